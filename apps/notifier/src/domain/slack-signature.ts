import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 300;

export interface SlackProof {
  readonly timestamp: string;
  readonly signature: string;
}

/** Whether Slack sent these bytes, and just now: its signature is over the time and the body as it came. */
export function isFromSlack(
  secret: string,
  { timestamp, signature }: SlackProof,
  rawBody: Uint8Array,
  now: Date,
): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const digest = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(rawBody).digest('hex');
  const expected = Buffer.from(`v0=${digest}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
