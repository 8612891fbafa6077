import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

const PRIVATE_PREFIX = 'whsk_';
const PUBLIC_PREFIX = 'whpk_';
export const SEED_BYTES = 32;
/** What PKCS #8 puts before the seed of an ed25519 key (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A pair of keys as Standard Webhooks writes them. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const keyOf = (seed: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });

/** The pair that follows from 32 random bytes. */
export function keyPairOf(seed: Buffer): KeyPair {
  const { x } = createPublicKey(keyOf(seed)).export({ format: 'jwk' });
  const point = Buffer.from(x!, 'base64url');
  return {
    // The seed and then the public key: the form that libraries of signatures call the secret key.
    privateKey: PRIVATE_PREFIX + Buffer.concat([seed, point]).toString('base64'),
    publicKey: PUBLIC_PREFIX + point.toString('base64'),
  };
}

/** The signature of a text, in base64; undefined when the key is none. */
export function signEd25519(privateKey: string, text: string): string | undefined {
  if (!privateKey.startsWith(PRIVATE_PREFIX)) return undefined;
  const bytes = Buffer.from(privateKey.slice(PRIVATE_PREFIX.length), 'base64');
  if (bytes.length !== 2 * SEED_BYTES) return undefined;
  return sign(null, Buffer.from(text), keyOf(bytes.subarray(0, SEED_BYTES))).toString('base64');
}
