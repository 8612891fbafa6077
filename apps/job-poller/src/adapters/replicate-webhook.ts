import { createHmac, timingSafeEqual } from 'node:crypto';
import { externalIdOf, object } from './replicate-objects.js';

/** A webhook as it arrived: the headers with their names in lower case, and the body as it was sent. */
export interface ArrivedWebhook {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: string;
  /** `whsec_` and the base64 of the key. */
  readonly secret: string;
  readonly now: Date;
}

const TOLERANCE_MS = 300_000;

/** The runs that a webhook is about; undefined where it is not certain that Replicate sent it just now (Standard Webhooks 1.0.0). */
export function verifyReplicateWebhook({
  headers,
  rawBody,
  secret,
  now,
}: ArrivedWebhook): readonly string[] | undefined {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (id === undefined || timestamp === undefined || signatures === undefined) return undefined;
  const ageMs = now.getTime() - Number(timestamp) * 1_000;
  // Not `>`: what is no number is not recent.
  if (!(Math.abs(ageMs) <= TOLERANCE_MS)) return undefined;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  // Whoever knows that there is no key can sign with none.
  if (key.length === 0) return undefined;
  const right = createHmac('sha256', key).update(`${id}.${timestamp}.${rawBody}`).digest();
  const isSigned = signatures.split(' ').some((signature) => isSame(signature, right));
  return isSigned ? idsIn(rawBody) : undefined;
}

function isSame(signature: string, right: Buffer): boolean {
  if (!signature.startsWith('v1,')) return false;
  const given = Buffer.from(signature.slice('v1,'.length), 'base64');
  return given.length === right.length && timingSafeEqual(given, right);
}

function idsIn(rawBody: string): readonly string[] | undefined {
  let body: unknown;
  try {
    body = JSON.parse(rawBody);
  } catch {
    return undefined;
  }
  const parsed = object.safeParse(body);
  if (!parsed.success) return undefined;
  const isTraining = /\/trainings\//.test(parsed.data.urls?.get ?? '');
  return [externalIdOf(isTraining ? 'trainings' : 'predictions', parsed.data)];
}
