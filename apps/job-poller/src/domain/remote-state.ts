import type { RunOutcome } from '@lineclear/contracts';
import type { RemoteState, StopReason } from './run.js';

const RANK: Readonly<Record<RemoteState, number>> = {
  submitted: 0,
  starting: 1,
  running: 2,
  succeeded: 3,
  failed: 3,
  cancelled: 3,
  timed_out: 3,
  lost: 3,
};

/** The state after a look: an older answer that comes late never takes a run back. */
export function forward(known: RemoteState | null, seen: RemoteState): RemoteState {
  return known === null || RANK[seen] > RANK[known] ? seen : known;
}

/** Whether a run has no machine yet, as far as it was seen: it may wait at its provider for hours. */
export const waits = (state: RemoteState | null): boolean => state === null || RANK[state] < RANK.running;

/** How a run ended, or undefined while it goes on. Why we stopped it decides what a stop is called. */
export function outcomeOf(state: RemoteState, stopReason: StopReason | null): RunOutcome | undefined {
  switch (state) {
    case 'submitted':
    case 'starting':
    case 'running':
      return undefined;
    // It finished before the stop reached it.
    case 'succeeded':
      return 'succeeded';
    case 'failed':
      return stopReason === 'max_runtime' ? 'timed_out' : 'failed';
    case 'cancelled':
      return stopReason === 'max_runtime' ? 'timed_out' : 'cancelled';
    case 'timed_out':
      return 'timed_out';
    case 'lost':
      return lostOutcome(stopReason);
  }
}

/** A run that is gone after we stopped it was stopped; otherwise nobody knows. */
export const lostOutcome = (stopReason: StopReason | null): RunOutcome =>
  stopReason === null ? 'lost' : stopReason === 'asked' ? 'cancelled' : 'timed_out';
