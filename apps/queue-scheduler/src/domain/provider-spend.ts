import type { Job } from './job.js';
import { startOf } from './period.js';
import { booked, WAITING } from './usage.js';

/** What a change of a job adds to what its provider costs, on a day or of what waits. */
export interface SpendDelta {
  readonly provider: string;
  readonly day: Date | typeof WAITING;
  readonly usd: number;
}

/**
 * What changes of jobs (from nothing, for new ones) do to what providers cost, summed up: as domain/usage.ts books it,
 * money waits until the claim, is set aside on the day of the claim as estimated, and at the end is what it really was.
 */
export function spendDeltas(
  changes: readonly { readonly before: Job | undefined; readonly after: Job }[],
): SpendDelta[] {
  const sums = new Map<string, SpendDelta>();
  const add = (job: Job, sign: 1 | -1): void => {
    for (const { hour, usd } of booked(job)) {
      if (usd === 0) continue;
      const day = hour === WAITING ? WAITING : startOf('day', hour);
      const key = `${job.provider}/${String(day)}`;
      sums.set(key, { provider: job.provider, day, usd: (sums.get(key)?.usd ?? 0) + sign * usd });
    }
  };
  for (const { before, after } of changes) {
    if (before) add(before, -1);
    add(after, 1);
  }
  return [...sums.values()].filter(({ usd }) => Math.abs(usd) > 1e-9);
}
