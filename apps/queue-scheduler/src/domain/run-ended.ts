import type { EndReason, FailureCause, RunOutcome } from '@lineclear/contracts';
import { spentOn, type Attempt, type Job } from './job.js';
import { ended, moved } from './moved.js';
import { settledCost } from './price.js';
import { machineOf, nextAttempt } from './retry.js';

/** How a run ended. */
export interface Ending {
  readonly outcome: RunOutcome;
  readonly cause?: FailureCause | undefined;
  readonly message?: string | undefined;
  readonly startedAt?: Date | undefined;
  readonly endedAt: Date;
  readonly costUsd?: number | undefined;
}

const OUTCOMES: Readonly<
  Record<RunOutcome, { state: 'completed' | 'failed' | 'cancelled'; reason: EndReason | null }>
> = {
  succeeded: { state: 'completed', reason: null },
  failed: { state: 'failed', reason: 'run_failed' },
  cancelled: { state: 'cancelled', reason: 'cancelled_by_user' },
  timed_out: { state: 'failed', reason: 'run_timed_out' },
  lost: { state: 'failed', reason: 'run_lost' },
  refused: { state: 'failed', reason: 'dispatch_refused' },
};

/** The job after its run has ended: at its end too, or back in the queue for another attempt. */
export function runEnded(job: Job, fact: Ending, now: Date): Job | undefined {
  // Refused after a cancel means that the cancel came before the provider was called.
  const cameInTime = job.state === 'cancelling' && fact.outcome === 'refused';
  const { state, reason } = OUTCOMES[cameInTime ? 'cancelled' : fact.outcome];
  const over = endedAttempt(job, fact);
  const attempts = [...job.attempts, over];
  const next = nextOf(job, attempts, now);
  if (next) return again(job, attempts, next, now);
  return ended(job, state, fact.endedAt, {
    endReason: reason,
    // Who cancelled it says more than a provider's word for it.
    message: state === 'cancelled' ? (job.message ?? fact.message ?? null) : (fact.message ?? job.message),
    startedAt: over.started_at === null ? null : new Date(over.started_at),
    attempts,
    costUsd: spentOn({ attempts }),
  });
}

/** What becomes of a job whose attempt is over without its having done its work; undefined where it ends with that. */
function nextOf(job: Job, attempts: readonly Attempt[], now: Date): ReturnType<typeof nextAttempt> {
  if (job.state !== 'cancelling') return nextAttempt(job, attempts, now);
  if (job.stoppedFor === null || attempts.at(-1)?.outcome === 'succeeded') return undefined;
  return { ...machineOf(job), notBefore: null };
}

function endedAttempt(job: Job, fact: Ending): Attempt {
  const startedAt = fact.outcome === 'refused' ? null : (fact.startedAt ?? job.startedAt);
  // One that was done before it could be stopped was not.
  const stoppedFor = fact.outcome === 'succeeded' ? null : job.stoppedFor;
  return {
    attempt: job.attempt,
    hardware: job.hardware,
    gpus: job.gpus,
    outcome: fact.outcome,
    cause: stoppedFor === null ? (fact.cause ?? null) : 'preempted',
    message: stoppedFor ?? fact.message ?? null,
    is_preempted: stoppedFor !== null,
    queued_at: (job.queuedAt ?? job.submittedAt).toISOString(),
    claimed_at: (job.claimedAt ?? job.submittedAt).toISOString(),
    started_at: startedAt?.toISOString() ?? null,
    ended_at: fact.endedAt.toISOString(),
    cost_usd: settledCost({ costUsd: fact.costUsd, startedAt, endedAt: fact.endedAt }, job.costPerHourUsd),
  };
}

/** Back to where it stood in the queue: what is known of the attempt that is over is in the list of them. */
const again = (
  job: Job,
  attempts: readonly Attempt[],
  next: NonNullable<ReturnType<typeof nextAttempt>>,
  now: Date,
): Job | undefined =>
  moved(job, 'queued', {
    ...next,
    attempts,
    queuedAt: now,
    claimId: null,
    claimedAt: null,
    leaseUntil: null,
    startedAt: null,
    cancelRequestedAt: null,
    stoppedFor: null,
    externalId: null,
    progress: null,
  });
