const MAX_RETRY_AFTER_SECONDS = 86_400;
const JITTER = 0.2;

/** Seconds to wait before attempt number `attempt` (from 1), spread by a fifth to both sides; undefined: there is none. */
export function waitBefore(
  attempt: number,
  scheduleSeconds: readonly number[],
  random: number,
): number | undefined {
  const base = scheduleSeconds[attempt - 1];
  return base === undefined ? undefined : base * (1 - JITTER + 2 * JITTER * random);
}

/** As waitBefore, but never sooner than the receiver asked for. */
export function waitAsAsked(
  attempt: number,
  scheduleSeconds: readonly number[],
  random: number,
  retryAfterSeconds = 0,
): number | undefined {
  const own = waitBefore(attempt, scheduleSeconds, random);
  return own === undefined ? undefined : Math.max(own, Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS));
}

/** Reads a Retry-After header, seconds or a date, into seconds from `now`, at most a day. Nonsense is undefined. */
export function readRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_RETRY_AFTER_SECONDS);
  // Date.parse takes much more than a HTTP date: "5 apples" is a day in May.
  if (!/^[A-Z][a-z]{2,8}, /.test(text)) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max((at - now.getTime()) / 1_000, 0), MAX_RETRY_AFTER_SECONDS);
}
