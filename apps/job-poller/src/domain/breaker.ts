/** What one process has seen of a provider's calls lately: how many in a row had no answer, and since when. */
export interface Silence {
  readonly failures: number;
  readonly sinceMs: number;
}

/** A breaker that is open, and when the provider is tried next. */
export interface OpenBreaker {
  readonly probeAtMs: number;
}

const FAILURES_TO_OPEN = 5;
const SILENCE_TO_OPEN_MS = 30_000;
const FIRST_PROBE_MS = 10_000;
const MAX_PROBE_MS = 300_000;

/** What is known of a provider after a call. Any answer ends a silence, also one that refuses. */
export function afterCall(
  silence: Silence | undefined,
  answered: boolean,
  nowMs: number,
): Silence | undefined {
  if (answered) return undefined;
  return silence ? { ...silence, failures: silence.failures + 1 } : { failures: 1, sinceMs: nowMs };
}

/** A few calls that fail together say little: it must have gone on for a while. */
export const shouldOpen = ({ failures, sinceMs }: Silence, nowMs: number): boolean =>
  failures >= FAILURES_TO_OPEN && nowMs - sinceMs >= SILENCE_TO_OPEN_MS;

/** How long after so many probes without an answer the next one is made: doubling, to five minutes. */
export const probeDelayMs = (probes: number): number =>
  Math.min(FIRST_PROBE_MS * 2 ** Math.min(probes, 20), MAX_PROBE_MS);

/** Whether a call may be made: as any other, as the one that probes (half-open), or after a while. */
export type Admission = 'call' | 'probe' | { readonly waitMs: number };

export function admission(breaker: OpenBreaker | undefined, nowMs: number): Admission {
  if (!breaker) return 'call';
  return breaker.probeAtMs <= nowMs ? 'probe' : { waitMs: breaker.probeAtMs - nowMs };
}
