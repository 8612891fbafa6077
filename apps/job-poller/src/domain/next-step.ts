import type { RunOutcome } from '@lineclear/contracts';
import { lostOutcome } from './remote-state.js';
import type { ClaimedRun, Run, StopReason } from './run.js';

export type Step =
  | { readonly kind: 'submit' }
  /** The outcome of an earlier submit is not known: look for its key before anything else. */
  | { readonly kind: 'find' }
  | { readonly kind: 'poll' }
  /** Its account's list says how it is: only its output is read. */
  | { readonly kind: 'read' }
  | { readonly kind: 'cancel'; readonly reason: StopReason }
  | { readonly kind: 'end'; readonly outcome: RunOutcome; readonly message: string }
  | { readonly kind: 'nothing' };

export interface Limits {
  /** A run that nobody can say anything about for so long is given up. */
  readonly maxSilenceMs: number;
  /** How long after one cancel the next is sent; null where the provider cannot cancel. */
  readonly cancelAgainMs: number | null;
  /** Whether its account is swept. */
  readonly isSwept: boolean;
  /** Until when its provider was away, which is now while it is. Null for never: silence counts from then. */
  readonly awayUntil: Date | null;
}

/** What a run needs now. */
export function nextStep(run: ClaimedRun, now: Date, limits: Limits): Step {
  switch (run.state) {
    case 'intended':
      if (run.stopRequestedAt === null) return { kind: 'submit' };
      return { kind: 'end', outcome: 'cancelled', message: 'cancelled before the provider was called' };
    case 'submitting':
      if (run.fresh) return { kind: 'submit' };
      return isSilent(run, now, limits)
        ? givenUp(run, 'whether the provider took the run could not be learned')
        : { kind: 'find' };
    case 'active':
      if (limits.cancelAgainMs !== null && isOverdue(run, now))
        return { kind: 'cancel', reason: 'max_runtime' };
      if (isSilent(run, now, limits)) return givenUp(run, 'nothing was heard of the run any more');
      return { kind: limits.isSwept && isAsListed(run, now) ? 'read' : 'poll' };
    case 'cancelling':
      if (isSilent(run, now, limits))
        return givenUp(run, 'nothing was heard of the run after it was to stop');
      return isCancelDue(run, now, limits)
        ? { kind: 'cancel', reason: run.stopReason ?? 'asked' }
        : { kind: 'poll' };
    case 'ended':
      return { kind: 'nothing' };
  }
}

/** How long to wait before it is believed that the provider does not know the key: a call may still be on its way there. */
export const settlesInMs = ({ submitAgeMs }: ClaimedRun, settleMs: number): number =>
  Math.max(0, settleMs - (submitAgeMs ?? settleMs));

/** Whether a run that the provider does not know is lost: seen to be missing several times, over some time. */
export function isLost(missing: { count: number; since: Date }, now: Date, lostAfterMs: number): boolean {
  return missing.count >= MISSES && msSince(missing.since, now) >= lostAfterMs;
}
const MISSES = 3;

/**
 * Whether a run that the provider does not know any more is what is left of a stop: it was there, and the provider took the
 * stop, which takes runs away there.
 */
export const isTakenAway = (run: Run, cancelRemoves = false): boolean =>
  cancelRemoves && run.cancelSentAt !== null && run.remoteState !== null;

/** How long a run may still run, or undefined when it may for ever. */
export function remainingMs(run: Run, now: Date): number | undefined {
  if (run.maxRuntimeSeconds === null || run.runningSince === null) return undefined;
  return run.maxRuntimeSeconds * 1_000 - msSince(run.runningSince, now);
}

const isOverdue = (run: Run, now: Date): boolean => (remainingMs(run, now) ?? 1) <= 0;

/**
 * Whether a step may take the run for what is known of it: its account's list showed it so lately, and it was asked for by
 * itself not long ago.
 */
function isAsListed({ listedAt, lookedAt }: Run, now: Date): boolean {
  return msSince(listedAt, now) < LISTED_LATELY_MS && msSince(lookedAt, now) < LOOK_AGAIN_MS;
}
/** A list may be wrong, or the sweeps of an account may fail: each run is asked for by itself at least this often. */
export const SAFETY_MS = 300_000;
// The earliest that the spread of such looks makes of it.
const LOOK_AGAIN_MS = SAFETY_MS * 0.8;
// Some sweeps at their slowest.
const LISTED_LATELY_MS = 180_000;

const isSilent = (run: Run, now: Date, { maxSilenceMs, awayUntil }: Limits): boolean =>
  Math.min(...[run.submitStartedAt, run.lastObservedAt, awayUntil].map((then) => msSince(then, now))) >=
  maxSilenceMs;

const isCancelDue = (run: Run, now: Date, { cancelAgainMs }: Limits): boolean =>
  cancelAgainMs !== null && msSince(run.cancelSentAt, now) >= cancelAgainMs;

const givenUp = (run: Run, message: string): Step => ({
  kind: 'end',
  outcome: lostOutcome(run.stopReason),
  message,
});

const msSince = (then: Date | null, now: Date): number =>
  then === null ? Number.POSITIVE_INFINITY : now.getTime() - then.getTime();
