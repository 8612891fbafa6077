import { createHmac } from 'node:crypto';
import { signEd25519 } from './ed25519.js';

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** The bytes of a webhook secret (`whsec_` and the base64 of 24 to 64 bytes), or undefined when it is none. */
export function secretBytes(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return undefined;
  const text = secret.slice(PREFIX.length);
  const bytes = Buffer.from(text, 'base64');
  // Buffer ignores what is not base64: only what comes back as it was is right.
  return bytes.toString('base64') === text && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES
    ? bytes
    : undefined;
}

export const formatSecret = (bytes: Buffer): string => PREFIX + bytes.toString('base64');

/** What one message is signed with: the bytes of a secret, and a private key where there is one. */
export interface Signer {
  readonly key: Buffer;
  /** `whsk_…` */
  readonly privateKey?: string | undefined;
}

/**
 * The headers that prove a webhook, by all of the signers, newest first: Standard Webhooks 1.0.0, and the body's plain HMAC by
 * the newest as `X-Lineclear-Signature`.
 */
export function signatureHeaders(
  signers: readonly [Signer, ...Signer[]],
  message: { readonly id: string; readonly type: string; readonly body: string },
  now: Date,
): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const text = `${message.id}.${timestamp}.${message.body}`;
  const hmac = (key: Buffer, of: string, encoding: 'base64' | 'hex'): string =>
    createHmac('sha256', key).update(of).digest(encoding);
  const signatures = signers.flatMap(({ key, privateKey }) => {
    const asymmetric = privateKey === undefined ? undefined : signEd25519(privateKey, text);
    return [`v1,${hmac(key, text, 'base64')}`, ...(asymmetric === undefined ? [] : [`v1a,${asymmetric}`])];
  });
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
    'x-lineclear-event': message.type,
    'x-lineclear-timestamp': timestamp,
    'x-lineclear-signature': `sha256=${hmac(signers[0].key, message.body, 'hex')}`,
  };
}
