import { holdsSlot, isInLine, type Job } from './job.js';

export const STATE_WHYS = ['has_slot', 'not_in_queue', 'neither'] as const;

/** Which of two jobs starts first as far as their states alone tell, and why. */
export interface StateWhy {
  readonly reason: (typeof STATE_WHYS)[number];
  /** The one that starts first; null for neither. */
  readonly first: Job | null;
  readonly text: string;
}

/** Undefined where both wait in the queue: then the order of the queue tells. */
export function whyByState(one: Job, other: Job): StateWhy | undefined {
  if (isInLine(one) && isInLine(other)) return undefined;
  const [earlier] = [one, other]
    .filter(({ state }) => holdsSlot(state))
    .toSorted((a, b) => (a.claimedAt?.getTime() ?? 0) - (b.claimedAt?.getTime() ?? 0));
  if (earlier) return { reason: 'has_slot', first: earlier, text: 'it has its slot already' };
  const inLine = [one, other].find(isInLine);
  if (!inLine) return { reason: 'neither', first: null, text: 'neither is in the queue' };
  return {
    reason: 'not_in_queue',
    first: inLine,
    text: `the other one is ${standsOf(inLine === one ? other : one)}: it is not in the queue yet`,
  };
}

function standsOf({ state, onHold, unmet }: Job): string {
  if (state !== 'queued') return state;
  if (onHold) return 'on hold';
  return unmet > 0 ? 'to follow others' : 'to be tried again later';
}
