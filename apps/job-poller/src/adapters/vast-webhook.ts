import { createHmac } from 'node:crypto';
import { isRecent, isSame, type ArrivedWebhook, type Hint } from './webhook.js';

const SCHEME = 'sha256=';

/**
 * What a webhook is about; undefined where it is not certain that Vast sent it just now. It is about the account, and names
 * instances in prose only: it says to look at them all.
 */
export function verifyVastWebhook({ headers, rawBody, secret, now }: ArrivedWebhook): Hint | undefined {
  const { 'x-vast-timestamp': timestamp, 'x-vast-signature-256': signature } = headers;
  if (timestamp === undefined || !isRecent(timestamp, now)) return undefined;
  if (signature === undefined || !signature.startsWith(SCHEME)) return undefined;
  const right = createHmac('sha256', secret.reveal()).update(`${timestamp}.${rawBody}`).digest();
  return isSame(Buffer.from(signature.slice(SCHEME.length), 'hex'), right) ? 'all' : undefined;
}
