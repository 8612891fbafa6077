const FIRST_SECONDS = 1;
const LONGEST_SECONDS = 60;
/** What a service may make us wait: a mistaken answer must not turn it off for a day. */
const LONGEST_TOLD_SECONDS = 900;

/** For how many seconds to leave a service alone that asked for that `times` times in a row; `toldSeconds` when it said how long. */
export function pauseSeconds(times: number, toldSeconds?: number): number {
  const own = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.max(0, times - 1));
  return Math.max(own, Math.min(LONGEST_TOLD_SECONDS, toldSeconds ?? 0));
}

/** Seconds out of a Retry-After header, which is a number of them or a date; undefined for anything else. */
export function retryAfterSeconds(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now.getTime()) / 1_000);
}
