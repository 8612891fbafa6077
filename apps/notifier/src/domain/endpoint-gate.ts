/** How many failures in a row open the breaker: nothing is sent then, until one message may try whether it is over. */
export const FAILURES_TO_OPEN = 5;
const MAX_OPEN_SECONDS = 600;
/** While the one that tries is under way. */
const PROBE_WAIT_SECONDS = 1;
const BUSY_WAIT_SECONDS = 0.5;

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
export type Passage =
  | { readonly passes: true; readonly tokens: number }
  | { readonly passes: false; readonly waitsFor: WaitReason; readonly waitSeconds: number };

/** Whether one more may be sent to an endpoint now, or when to ask again; `random` keeps those that wait from coming at once. */
export function mayPass(
  state: EndpointState,
  { maxConcurrent, maxPerSecond }: EndpointLimits,
  now: Date,
  random: number,
): Passage {
  const wait = (waitsFor: WaitReason, seconds: number): Passage => ({
    passes: false,
    waitsFor,
    waitSeconds: seconds * (1 + random / 2),
  });
  if (state.failuresInRow >= FAILURES_TO_OPEN) {
    const openMs = (state.openUntil?.getTime() ?? 0) - now.getTime();
    if (openMs > 0) return wait('breaker', openMs / 1_000);
    if (state.underWay > 0) return wait('breaker', PROBE_WAIT_SECONDS);
  }
  if (state.underWay >= maxConcurrent) return wait('concurrency', BUSY_WAIT_SECONDS);
  const passedSeconds = Math.max(0, now.getTime() - state.countedAt.getTime()) / 1_000;
  const tokens = Math.min(maxPerSecond, state.tokens + passedSeconds * maxPerSecond);
  if (tokens < 1) return wait('rate', (1 - tokens) / maxPerSecond);
  return { passes: true, tokens: tokens - 1 };
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
