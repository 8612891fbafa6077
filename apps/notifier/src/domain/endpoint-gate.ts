/** How many failures in a row open the breaker: nothing is sent then, until one message may try whether it is over. */
export const FAILURES_TO_OPEN = 5;
const MAX_OPEN_SECONDS = 600;

export interface EndpointLimits {
  readonly maxConcurrent: number;
  readonly maxPerSecond: number;
}

export interface EndpointState {
  readonly failuresInRow: number;
  readonly openUntil: Date | null;
  /** Attempts that have not ended. */
  readonly underWay: number;
  /** How many more might have been sent at once when they were last counted. */
  readonly tokens: number;
  readonly countedAt: Date;
}

export const WAIT_REASONS = ['breaker', 'concurrency', 'rate'] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

export interface Room {
  /** How many may be sent now. */
  readonly count: number;
  /** What might have been sent by the rate alone: each that is sent takes one. */
  readonly tokens: number;
  /** What keeps back those beyond, and after how many seconds it lets one more pass, where time alone ends it. */
  readonly beyond: { readonly reason: WaitReason; readonly seconds?: number };
}

/** How many may be sent to an endpoint now. */
export function roomAt(
  state: EndpointState,
  { maxConcurrent, maxPerSecond }: EndpointLimits,
  now: Date,
): Room {
  const passedSeconds = Math.max(0, now.getTime() - state.countedAt.getTime()) / 1_000;
  const tokens = Math.min(maxPerSecond, state.tokens + passedSeconds * maxPerSecond);
  const byRate = Math.floor(tokens);
  const isBroken = state.failuresInRow >= FAILURES_TO_OPEN;
  if (isBroken && (state.openUntil ?? now) > now) return { count: 0, tokens, beyond: { reason: 'breaker' } };
  // One message tries whether it is over.
  const byConcurrency = Math.max(0, (isBroken ? 1 : maxConcurrent) - state.underWay);
  if (byConcurrency <= byRate)
    return { count: byConcurrency, tokens, beyond: { reason: isBroken ? 'breaker' : 'concurrency' } };
  const seconds = (byRate + 1 - tokens) / maxPerSecond;
  return { count: byRate, tokens, beyond: { reason: 'rate', seconds } };
}

/** What a failure makes of the breaker. One that began before it opened says nothing new. */
export function afterFailure(
  { failuresInRow, isOpen }: { failuresInRow: number; isOpen: boolean },
  baseSeconds: number,
): { failuresInRow: number; openSeconds: number } | undefined {
  if (isOpen) return undefined;
  const failures = failuresInRow + 1;
  const beyond = failures - FAILURES_TO_OPEN;
  return {
    failuresInRow: failures,
    openSeconds: beyond < 0 ? 0 : Math.min(baseSeconds * 2 ** Math.min(beyond, 20), MAX_OPEN_SECONDS),
  };
}
