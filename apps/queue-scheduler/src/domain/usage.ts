import { holdsSlot, secondsOf, type Attempt, type Job } from './job.js';
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
  for (const was of before ? booked(before) : [])
    entries.push({ hour: was.hour, submitted: 0, usd: -was.usd, gpuSeconds: -was.gpuSeconds });
  for (const is of booked(after)) entries.push({ submitted: 0, ...is });
  return holdersOf(after).flatMap((holder) => entries.map((entry) => ({ holder, ...entry })));
}

/** Whether a job stands in the books with more than before: an attempt took more than was expected, or is to be tried again. */
export function tookMore(before: Job, after: Job): boolean {
  const sum = (job: Job, of: 'usd' | 'gpuSeconds'): number =>
    booked(job).reduce((total, one) => total + one[of], 0);
  return sum(after, 'usd') > sum(before, 'usd') || sum(after, 'gpuSeconds') > sum(before, 'gpuSeconds');
}

type Booked = Pick<UsageDelta, 'hour' | 'usd' | 'gpuSeconds'>;

/** What a job stands in the books with: each attempt that is over, and the one that is under way or to come. */
export function booked(job: Job): Booked[] {
  const past = job.attempts.map(bookedFor);
  if (job.endedAt !== null) return past;
  const hour = holdsSlot(job.state) && job.claimedAt ? hourOf(job.claimedAt) : WAITING;
  return [...past, { hour, usd: job.estimatedCostUsd, gpuSeconds: gpuSecondsOf(job) }];
}

const bookedFor = (over: Attempt): Booked => ({
  hour: hourOf(new Date(over.claimed_at)),
  usd: over.cost_usd,
  gpuSeconds: secondsOf(over) * over.gpus,
});

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
