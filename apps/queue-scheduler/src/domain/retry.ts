import { FAILURE_CAUSES, MAX_PREEMPTIONS, type FailureCause, type RunOutcome } from '@lineclear/contracts';
import type { Attempt, Job } from './job.js';
import { costOf } from './price.js';

/** How an attempt can fail that may be worth another one: for a cause that the provider tells, or as it ended. */
export const FAILURES = [...FAILURE_CAUSES, 'lost', 'timed_out', 'failed'] as const;
export type Failure = (typeof FAILURES)[number];

/** What another attempt is made of, unless it is said: what is nobody's fault, and is gone the next time. */
export const RETRIED_BY_DEFAULT = ['no_capacity', 'preempted', 'infrastructure', 'lost'] as const;
const MAX_BACKOFF_SECONDS = 3_600;

/** Hardware with what it cost when the job was submitted. */
export interface PricedHardware {
  readonly hardware: string;
  readonly cost_per_hour_usd: number;
  readonly gpus: number;
}

/** What becomes of a job whose attempt failed. */
export interface RetryPolicy {
  /** All of them, with the first. */
  readonly max_attempts: number;
  readonly on: readonly Failure[];
  /** Until the second attempt; twice as long until each that follows, an hour at most. */
  readonly backoff_seconds: number;
  /** After each attempt that ran out of memory the next of these. */
  readonly oom_hardware: readonly PricedHardware[];
}

/** How an attempt failed; undefined where it did not, or where its provider would not have it. */
export function failureOf(outcome: RunOutcome, cause: FailureCause | undefined): Failure | undefined {
  switch (outcome) {
    case 'succeeded':
    case 'cancelled':
      return undefined;
    case 'refused':
      return cause;
    case 'failed':
    case 'lost':
    case 'timed_out':
      return cause ?? outcome;
  }
}

type Machine = Pick<Job, 'hardware' | 'costPerHourUsd' | 'gpus' | 'estimatedCostUsd'>;

/** When the next attempt may go, and on which machine; undefined where there is none to be. */
export function nextAttempt(
  job: Job,
  attempts: readonly Attempt[],
  now: Date,
): (Machine & { readonly notBefore: Date | null }) | undefined {
  const { retry } = job;
  const last = attempts.at(-1);
  const tried = attempts.filter((one) => !one.is_preempted).length;
  if (!retry || !last || tried >= retry.max_attempts) return undefined;
  const failure = failureOf(last.outcome, last.cause ?? undefined);
  if (failure === undefined || !retry.on.includes(failure)) return undefined;
  const seconds = Math.min(MAX_BACKOFF_SECONDS, retry.backoff_seconds * 2 ** (tried - 1));
  const notBefore = seconds === 0 ? null : new Date(now.getTime() + seconds * 1_000);
  return { ...machineAfter(job, retry, failure), notBefore };
}

export const machineOf = ({ hardware, costPerHourUsd, gpus, estimatedCostUsd }: Machine): Machine => ({
  hardware,
  costPerHourUsd,
  gpus,
  estimatedCostUsd,
});

function machineAfter(job: Job, { oom_hardware: bigger }: RetryPolicy, failure: Failure): Machine {
  const at = bigger.findIndex(({ hardware }) => hardware === job.hardware);
  const next = failure === 'oom' ? bigger[at + 1] : undefined;
  if (!next) return machineOf(job);
  return {
    hardware: next.hardware,
    costPerHourUsd: next.cost_per_hour_usd,
    gpus: next.gpus,
    estimatedCostUsd: costOf(next.cost_per_hour_usd, job.estimatedDurationSeconds),
  };
}

/** How many attempts a job may come to have, with those that are stopped for others. */
export const mostAttempts = ({ retry, preemptible }: Pick<Job, 'retry' | 'preemptible'>): number =>
  (retry?.max_attempts ?? 1) + (preemptible ? MAX_PREEMPTIONS : 0);

/** What all attempts may cost together: that is what somebody says yes to. */
export function mostItMayCost(
  job: Pick<Job, 'costPerHourUsd' | 'estimatedDurationSeconds' | 'retry' | 'preemptible'>,
): number {
  const prices = [job.costPerHourUsd, ...(job.retry?.oom_hardware ?? []).map((one) => one.cost_per_hour_usd)];
  return costOf(Math.max(...prices), job.estimatedDurationSeconds * mostAttempts(job));
}
