import { timingSafeEqual } from 'node:crypto';
import type { Secret } from '@lineclear/kit';

/** A webhook as it arrived. Nothing of it is true before its provider's own check said so. */
export interface ArrivedWebhook {
  /** With their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: WebhookQuery;
  /** As it was sent. */
  readonly rawBody: string;
  /** What the provider proves with that it sent it. */
  readonly secret: Secret;
  readonly now: Date;
}

/** What we put into the address that a webhook is to be sent to, where its provider signs nothing. */
export interface WebhookQuery {
  readonly run?: string | undefined;
  readonly token?: string | undefined;
}

/** Where a provider is to send the webhooks of a run, and what they are proven with. */
export interface AskedWebhook {
  readonly url: string;
  readonly secret: Secret;
}

/** What a webhook says to look at: one run, by what its provider calls it or by our key, or all there are. */
export type Hint = { readonly externalId?: string | undefined; readonly runKey?: string | undefined } | 'all';

const TOLERANCE_MS = 300_000;

/** Whether this is a time in seconds, not long ago and not far ahead. */
export const isRecent = (timestamp: string, now: Date): boolean =>
  /^\d{1,12}$/.test(timestamp) && Math.abs(now.getTime() - Number(timestamp) * 1_000) <= TOLERANCE_MS;

/** Whether both are the same; how long that takes does not tell where they differ. */
export const isSame = (given: Buffer, right: Buffer): boolean =>
  given.length === right.length && timingSafeEqual(given, right);

/** The body's JSON; undefined where it is none. */
export function jsonIn(rawBody: string): unknown {
  try {
    return JSON.parse(rawBody);
  } catch {
    return undefined;
  }
}
