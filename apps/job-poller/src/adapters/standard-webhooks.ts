import { createHmac } from 'node:crypto';
import { isRecent, isSame, type ArrivedWebhook } from './webhook.js';

/** Whether a webhook was signed just now by who has its secret: `whsec_` and the base64 of the key (Standard Webhooks 1.0.0). */
export function isSignedByStandard({ headers, rawBody, secret, now }: ArrivedWebhook): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (id === undefined || timestamp === undefined || signatures === undefined) return false;
  if (!isRecent(timestamp, now)) return false;
  const key = Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
  // Whoever knows that there is no key can sign with none.
  if (key.length === 0) return false;
  const right = createHmac('sha256', key).update(`${id}.${timestamp}.${rawBody}`).digest();
  return signatures
    .split(' ')
    .some((one) => one.startsWith('v1,') && isSame(Buffer.from(one.slice('v1,'.length), 'base64'), right));
}
