import { createHmac } from 'node:crypto';

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

/** The headers that prove a webhook: Standard Webhooks 1.0.0, and the body's plain HMAC as `X-Lineclear-Signature`. */
export function signatureHeaders(
  key: Buffer,
  message: { readonly id: string; readonly type: string; readonly body: string },
  now: Date,
): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const hmac = (text: string, encoding: 'base64' | 'hex'): string =>
    createHmac('sha256', key).update(text).digest(encoding);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${hmac(`${message.id}.${timestamp}.${message.body}`, 'base64')}`,
    'x-lineclear-event': message.type,
    'x-lineclear-timestamp': timestamp,
    'x-lineclear-signature': `sha256=${hmac(message.body, 'hex')}`,
  };
}
