import { isDeepStrictEqual } from 'node:util';
import type { ApprovalNeed, EndReason, FINAL_STATES } from '@lineclear/contracts';
import { isMet, type Condition } from './dependency.js';
import {
  holdsSlot,
  isInLine,
  spentOn,
  type Approver,
  type Canceller,
  type Job,
  type Progress,
} from './job.js';
import { ended, later, moved } from './moved.js';
import { runEnded, type Ending } from './run-ended.js';

interface OfRun {
  readonly claimId: string;
  readonly attempt: number;
}
/** Something that happened, as far as a job is concerned. */
export type Fact =
  | { readonly kind: 'held'; readonly need: ApprovalNeed }
  | { readonly kind: 'waived' }
  | { readonly kind: 'granted'; readonly approvalId: string; readonly by?: Approver }
  | {
      readonly kind: 'refused';
      readonly approvalId: string;
      readonly reason: EndReason;
      readonly message?: string;
      /** Where the requester, or somebody who may, took the request back. */
      readonly by?: Canceller;
    }
  | { readonly kind: 'claimed'; readonly claimId: string }
  | { readonly kind: 'prioritised'; readonly band: number }
  | { readonly kind: 'put_on_hold'; readonly onHold: boolean }
  /** The time is over for which it kept away from the queue. */
  | { readonly kind: 'due' }
  | {
      readonly kind: 'followed_ended';
      readonly follows: string;
      readonly when: Condition;
      readonly endedAs: (typeof FINAL_STATES)[number];
    }
  | { readonly kind: 'cancel_requested'; readonly by: Canceller }
  /** Its run is to stop, for the job to go back into the queue. */
  | { readonly kind: 'preempted'; readonly reason: string }
  | (OfRun & { readonly kind: 'run_started'; readonly externalId: string; readonly startedAt: Date })
  | (OfRun & { readonly kind: 'run_observed'; readonly progress: Progress })
  | (OfRun & { readonly kind: 'run_ended' } & Ending);

/** How long silence is normal, by what a job waits for. */
export interface Leases {
  readonly evaluationSeconds: number;
  readonly dispatchSeconds: number;
  readonly runSeconds: number;
}

/** The job after the fact, or undefined when the fact does not concern it (any more): late, foreign, or known already. */
export function transition(job: Job, fact: Fact, now: Date, leases: Leases): Job | undefined {
  switch (fact.kind) {
    case 'held':
      // Known already: then the approvals service has it in its books and needs no reminding.
      if (job.state === 'pending_approval' && isAbout(job, fact.need.approval_id))
        return job.leaseUntil === null && isDeepStrictEqual(job.approval, fact.need)
          ? undefined
          : { ...job, approval: fact.need, leaseUntil: null };
      return job.state !== 'awaiting_evaluation'
        ? undefined
        : moved(job, 'pending_approval', { approval: fact.need, heldAt: now, leaseUntil: null });
    case 'waived':
      return job.state === 'awaiting_evaluation'
        ? moved(job, 'queued', { queuedAt: now, leaseUntil: null })
        : undefined;
    case 'granted':
      return isWaiting(job) && isAbout(job, fact.approvalId)
        ? moved(job, 'queued', {
            queuedAt: now,
            leaseUntil: null,
            approvedSecrets: demandedOf(job),
            approvedBy: fact.by ?? null,
          })
        : undefined;
    case 'refused':
      if (!isWaiting(job) || !isAbout(job, fact.approvalId)) return undefined;
      return ended(job, 'cancelled', now, {
        endReason: fact.reason,
        message: fact.message ?? null,
        cancelledBy: fact.by ?? null,
        costUsd: 0,
      });
    case 'claimed':
      if (!isInLine(job)) return undefined;
      return moved(job, 'dispatching', {
        attempt: job.attempt + 1,
        claimId: fact.claimId,
        claimedAt: now,
        leaseUntil: later(now, leases.dispatchSeconds),
      });
    case 'prioritised':
      return fact.band === job.band || job.endedAt !== null || holdsSlot(job.state)
        ? undefined
        : { ...job, band: fact.band };
    case 'put_on_hold':
      return job.state !== 'queued' || fact.onHold === job.onHold
        ? undefined
        : { ...job, onHold: fact.onHold };
    case 'due':
      return job.state !== 'queued' || job.notBefore === null || job.notBefore > now
        ? undefined
        : { ...job, notBefore: null };
    case 'followed_ended':
      if (job.endedAt !== null || job.unmet === 0) return undefined;
      if (isMet(fact.when, fact.endedAs)) return { ...job, unmet: job.unmet - 1 };
      return ended(job, 'cancelled', now, {
        endReason: 'dependency_failed',
        message: `${fact.follows}, which it was to follow (${fact.when}), is ${fact.endedAs}`,
        costUsd: 0,
      });
    case 'preempted':
      return job.state !== 'running'
        ? undefined
        : moved(job, 'cancelling', {
            cancelRequestedAt: now,
            stoppedFor: fact.reason,
            leaseUntil: later(now, leases.dispatchSeconds),
          });
    case 'cancel_requested':
      return cancel(job, fact.by, now, leases);
    case 'run_started':
      return isOfRun(job, fact) ? started(job, fact, now, leases) : undefined;
    case 'run_observed':
      return isOfRun(job, fact) ? observed(job, fact.progress, now, leases) : undefined;
    case 'run_ended':
      return isOfRun(job, fact) ? runEnded(job, fact, now) : undefined;
  }
}

const isWaiting = (job: Job): boolean =>
  job.state === 'awaiting_evaluation' || job.state === 'pending_approval';
/** Whether a decision is on the request this job waits for. One that came before the request itself counts too. */
const isAbout = (job: Job, approvalId: string): boolean =>
  job.approval === null || job.approval.approval_id === approvalId;
const demandedOf = ({ facts }: Job): Job['approvedSecrets'] =>
  (facts.secrets_needing_approval ?? []).map(({ name, scope }) => ({ name, scope }));
const isOfRun = (job: Job, run: OfRun): boolean =>
  job.claimId === run.claimId && job.attempt === run.attempt && job.endedAt === null;

function cancel(job: Job, by: Canceller, now: Date, leases: Leases): Job | undefined {
  // Asked already: only the run's end ends it now, for until then it may cost money.
  if (job.state === 'cancelling' && job.stoppedFor === null) return undefined;
  const cancelled = { cancelRequestedAt: now, cancelledBy: by, message: `cancelled by ${by.username}` };
  // It is being stopped for another: now it ends with that.
  if (job.state === 'cancelling') return { ...job, ...cancelled, stoppedFor: null };
  if (job.state === 'dispatching' || job.state === 'running') {
    return moved(job, 'cancelling', {
      ...cancelled,
      leaseUntil: later(now, leases.dispatchSeconds),
    });
  }
  return ended(job, 'cancelled', now, {
    ...cancelled,
    endReason: 'cancelled_by_user',
    costUsd: spentOn(job),
  });
}

function started(
  job: Job,
  fact: Extract<Fact, { kind: 'run_started' }>,
  now: Date,
  leases: Leases,
): Job | undefined {
  const known = { externalId: fact.externalId, startedAt: job.startedAt ?? fact.startedAt };
  if (job.state === 'dispatching')
    return moved(job, 'running', { ...known, leaseUntil: later(now, leases.runSeconds) });
  // It was asked to stop meanwhile, or this is the answer to our asking again: a sign of life.
  return {
    ...job,
    ...known,
    leaseUntil: later(now, job.state === 'cancelling' ? leases.dispatchSeconds : leases.runSeconds),
  };
}

function observed(job: Job, progress: Progress, now: Date, leases: Leases): Job {
  const newer = job.progress === null || job.progress.observed_at <= progress.observed_at;
  // A job that is being cancelled is reminded until it ends, however lively its run is.
  const leaseUntil = job.state === 'cancelling' ? job.leaseUntil : later(now, leases.runSeconds);
  return { ...job, progress: newer ? progress : job.progress, leaseUntil };
}
