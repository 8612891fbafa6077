import { createHmac, timingSafeEqual } from 'node:crypto';

interface ArrivedWebhook {
  /** With their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: string;
  readonly secret: string;
  readonly now: Date;
}

const TOLERANCE_MS = 300_000;
const SCHEME = 'sha256=';

/**
 * The runs that a webhook is about; undefined where it is not certain that Vast sent it just now. It is about the account, and
 * names instances in prose only, so that there are none: it says to look at them all.
 */
export function verifyVastWebhook({
  headers,
  rawBody,
  secret,
  now,
}: ArrivedWebhook): readonly string[] | undefined {
  const { 'x-vast-timestamp': timestamp, 'x-vast-signature-256': signature } = headers;
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return undefined;
  if (Math.abs(now.getTime() - Number(timestamp) * 1_000) > TOLERANCE_MS) return undefined;
  if (signature === undefined || !signature.startsWith(SCHEME)) return undefined;
  const right = createHmac('sha256', secret).update(`${timestamp}.${rawBody}`).digest();
  const given = Buffer.from(signature.slice(SCHEME.length), 'hex');
  return given.length === right.length && timingSafeEqual(given, right) ? [] : undefined;
}
