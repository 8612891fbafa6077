import { remainingMs } from './next-step.js';
import type { Run } from './run.js';

/** How often a provider is asked: at first, and at most how seldom later. */
export interface PollPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
}

const YOUNG_MS = 120_000;
const SHARE_OF_AGE = 0.02;
const SPREAD = 0.2;

/**
 * How long until the next look at a run. One that runs is looked at less often the longer it does (2 % of its age), one that
 * has yet to start half as often after two minutes. `random` (0 to 1) spreads looks, so that they do not come in step.
 */
export function pollDelayMs(run: Run, now: Date, policy: PollPolicy, random: number): number {
  const spread = spreadMs(wantedMs(run, now, policy), policy, random);
  return notPastItsEnd(spread, run, now);
}

/** How long until the next look at a run, before it is spread. */
export function wantedMs(
  run: Pick<Run, 'remoteState' | 'startedAt' | 'runningSince'>,
  now: Date,
  { baseMs, maxMs }: PollPolicy,
): number {
  const ageMs = now.getTime() - (run.runningSince ?? run.startedAt ?? now).getTime();
  const wanted =
    run.remoteState === 'running' ? ageMs * SHARE_OF_AGE : ageMs < YOUNG_MS ? baseMs : baseMs * 2;
  return Math.min(Math.max(wanted, baseMs), Math.max(maxMs, baseMs));
}

/** A fixed interval stays as it is. */
export const spreadMs = (delay: number, { baseMs, maxMs }: PollPolicy, random: number): number =>
  maxMs > baseMs ? delay * (1 + (random * 2 - 1) * SPREAD) : delay;

/** Not later than the moment at which the run must be stopped. */
export const notPastItsEnd = (delay: number, run: Run, now: Date): number =>
  Math.round(Math.max(MIN_MS, Math.min(delay, remainingMs(run, now) ?? delay)));
const MIN_MS = 20;

const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 60_000;

/** How long to wait after so many failures in a row: doubling, spread over its upper half, or what the provider asked for. */
export function retryDelayMs(failures: number, random: number, askedMs?: number): number {
  const ceiling = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(failures - 1, 20));
  const own = ceiling * (0.5 + random / 2);
  return Math.round(Math.max(own, cappedAskMs(askedMs)));
}
/** A provider may ask for a pause, not for a job to be forgotten. */
export const cappedAskMs = (askedMs = 0): number => Math.min(askedMs, MAX_ASKED_MS);
const MAX_ASKED_MS = 15 * 60_000;
