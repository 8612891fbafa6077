import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactDecrypt, CompactEncrypt } from 'jose';

const AGREEMENT = 'ECDH-ES';
const CIPHER = 'A256GCM';

/** A key pair to which others can seal: the public half travels, the private half stays in this process. */
export class SealingKey {
  readonly #privateKey: KeyObject;
  /** X25519 SPKI DER, base64. */
  readonly publicKey: string;

  /** Makes a fresh pair, or takes a private key (PKCS#8 DER, base64) that was kept. */
  constructor(privateKeyDer?: string) {
    this.#privateKey =
      privateKeyDer === undefined
        ? generateKeyPairSync('x25519').privateKey
        : createPrivateKey({ key: Buffer.from(privateKeyDer, 'base64'), format: 'der', type: 'pkcs8' });
    this.publicKey = exportPublic(createPublicKey(this.#privateKey));
  }

  /** PKCS#8 DER, base64: for whoever keeps the key. */
  exportPrivate(): string {
    return this.#privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  }

  /** Opens what was sealed to this key; throws when it was sealed to another or was altered. */
  async open(jwe: string): Promise<string> {
    const { plaintext } = await compactDecrypt(jwe, this.#privateKey, {
      keyManagementAlgorithms: [AGREEMENT],
      contentEncryptionAlgorithms: [CIPHER],
    });
    return Buffer.from(plaintext).toString('utf8');
  }
}

/** Whether values can be sealed to this: an X25519 public key, SPKI DER in base64. */
export function isSealingKey(publicKey: string): boolean {
  try {
    importPublic(publicKey);
    return true;
  } catch {
    return false;
  }
}

/**
 * Seals `text` so that only the holder of the private half of `publicKey` (X25519 SPKI DER, base64) reads it: a compact JWE
 * (RFC 7516), ECDH-ES on X25519 with a key of its own (RFC 8037) and A256GCM. @throws for a key of another kind, or of small order
 */
export async function sealTo(publicKey: string, text: string): Promise<string> {
  return new CompactEncrypt(Buffer.from(text, 'utf8'))
    .setProtectedHeader({ alg: AGREEMENT, enc: CIPHER })
    .encrypt(importPublic(publicKey));
}

// What SPKI DER has before the 32 bytes of an X25519 key (RFC 8410): with them OpenSSL's decoders, which cost 200 us a key, are not needed.
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');
const KEY_BYTES = 32;

function importPublic(spki: string): KeyObject {
  const der = Buffer.from(spki, 'base64');
  const isX25519 =
    der.length === SPKI_X25519.length + KEY_BYTES && der.subarray(0, SPKI_X25519.length).equals(SPKI_X25519);
  if (!isX25519) throw new Error('this is not an X25519 key (SPKI DER, base64)');
  const x = der.subarray(SPKI_X25519.length).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

function exportPublic(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  return Buffer.concat([SPKI_X25519, Buffer.from(x!, 'base64url')]).toString('base64');
}
