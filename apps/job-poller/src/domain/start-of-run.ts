import { waits } from './remote-state.js';
import type { Run } from './run.js';

/**
 * When a run began, as far as is known before the next look at it: while it waits at its provider it had not begun when it was last
 * seen. A run costs from there, so that of its wait it pays what is between two looks at most. Null while no provider has accepted it.
 */
export function startOf({
  remoteState,
  startedAt,
  lastObservedAt,
}: Pick<Run, 'remoteState' | 'startedAt' | 'lastObservedAt'>): Date | null {
  if (startedAt === null || lastObservedAt === null || !waits(remoteState)) return startedAt;
  return lastObservedAt > startedAt ? lastObservedAt : startedAt;
}
