import { holdsSlot, type Job } from './job.js';
import { holdersOf, type Holder } from './holders.js';
import { hourOf } from './period.js';

/** Where money and GPU time of jobs is booked that have no slot yet. */
export const WAITING = 'waiting';

/** What a change of a job adds to what its holders use, in an hour or of what waits. */
export interface UsageDelta {
  readonly holder: Holder;
  readonly hour: Date | typeof WAITING;
  readonly submitted: number;
  readonly usd: number;
  readonly gpuSeconds: number;
}

/** GPU seconds that a job is expected to take. */
export const gpuSecondsOf = (job: Pick<Job, 'gpus' | 'estimatedDurationSeconds'>): number =>
  job.gpus * job.estimatedDurationSeconds;

/**
 * What a job's change (from nothing, for a new one) does to what is used: a submit counts in its hour; money and GPU time
 * wait until the claim, are booked in the hour of the claim as estimated, and at the end as it really was.
 */
export function usageDeltas(before: Job | undefined, after: Job): UsageDelta[] {
  const entries: Omit<UsageDelta, 'holder'>[] = [];
  if (before === undefined)
    entries.push({ hour: hourOf(after.submittedAt), submitted: 1, usd: 0, gpuSeconds: 0 });
  const was = before === undefined ? undefined : booked(before);
  const is = booked(after);
  if (was) entries.push({ hour: was.hour, submitted: 0, usd: -was.usd, gpuSeconds: -was.gpuSeconds });
  if (is) entries.push({ hour: is.hour, submitted: 0, usd: is.usd, gpuSeconds: is.gpuSeconds });
  return holdersOf(after).flatMap((holder) => entries.map((entry) => ({ holder, ...entry })));
}

/** What a job stands in the books with. */
export function booked(job: Job): Pick<UsageDelta, 'hour' | 'usd' | 'gpuSeconds'> | undefined {
  const estimated = { usd: job.estimatedCostUsd, gpuSeconds: gpuSecondsOf(job) };
  if (job.endedAt === null)
    return { hour: holdsSlot(job.state) && job.claimedAt ? hourOf(job.claimedAt) : WAITING, ...estimated };
  if (job.claimedAt === null) return undefined;
  const seconds =
    job.startedAt === null ? 0 : Math.max(0, (job.endedAt.getTime() - job.startedAt.getTime()) / 1_000);
  return { hour: hourOf(job.claimedAt), usd: job.costUsd ?? 0, gpuSeconds: seconds * job.gpus };
}

/** The same, summed up by holder and hour, without what comes to nothing. */
export function summed(deltas: readonly UsageDelta[]): UsageDelta[] {
  const sums = new Map<string, UsageDelta>();
  for (const delta of deltas) {
    const key = `${delta.holder}/${String(delta.hour)}`;
    const so = sums.get(key);
    sums.set(
      key,
      so
        ? {
            ...so,
            submitted: so.submitted + delta.submitted,
            usd: so.usd + delta.usd,
            gpuSeconds: so.gpuSeconds + delta.gpuSeconds,
          }
        : delta,
    );
  }
  return [...sums.values()].filter(
    ({ submitted, usd, gpuSeconds }) => submitted !== 0 || usd !== 0 || gpuSeconds !== 0,
  );
}
