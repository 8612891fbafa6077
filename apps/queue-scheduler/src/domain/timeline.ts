import type { JobState } from '@lineclear/contracts';
import { holdsSlot, type Attempt, type Job } from './job.js';

export interface Step {
  readonly status: JobState | 'submitted' | 'attempt_failed';
  readonly at: Date;
  /** Since the step before. */
  readonly afterSeconds: number;
  /** Whose doing it is; null for the house's own. */
  readonly by: string | null;
  /** Which run on a provider it belongs to; null before there is one. */
  readonly attempt: number | null;
  /** Why it is held, or how it came to its end. */
  readonly why: string | null;
}

type Told = readonly [
  status: Step['status'],
  at: Date | null,
  more?: Partial<Pick<Step, 'by' | 'why' | 'attempt'>>,
];

/** The way a job has come, from the times that its row keeps. */
export function timeline(job: Job): Step[] {
  const canceller = job.cancelledBy?.username ?? null;
  const approver = job.approvedBy?.username ?? null;
  // Without a claim it ended while it waited: then the last of them is over, too.
  const isOver = job.endedAt !== null && job.claimedAt !== null;
  const earlier = job.attempts.filter(({ attempt }) => !isOver || attempt < job.attempt);
  const told: Told[] = [
    ['submitted', job.submittedAt, { by: job.username }],
    ['awaiting_evaluation', job.state === 'awaiting_evaluation' ? job.submittedAt : null],
    ['pending_approval', job.heldAt, { why: job.approval?.reason ?? null }],
    ...earlier.flatMap((over, nth) => stepsOf(over, nth === 0 ? approver : null)),
    ['queued', job.queuedAt, { by: earlier.length === 0 ? approver : null }],
    ['dispatching', job.claimedAt],
    ['running', job.startedAt],
    ['cancelling', job.claimedAt === null ? null : job.cancelRequestedAt, { by: canceller }],
    [
      job.state,
      job.endedAt,
      { by: job.state === 'cancelled' ? canceller : null, why: job.message ?? job.endReason },
    ],
  ];
  // The provider's clock says when a run started and ended; a step is never shown before the one that led to it.
  let previous = job.submittedAt.getTime();
  return told.flatMap(([status, time, { by = null, why = null, attempt = attemptAt(status, job) } = {}]) => {
    if (time === null) return [];
    const at = Math.max(time.getTime(), previous);
    const afterSeconds = (at - previous) / 1_000;
    previous = at;
    return [{ status, at: new Date(at), afterSeconds, by, attempt, why }];
  });
}

/** Of an attempt that another one followed. */
function stepsOf(over: Attempt, approver: string | null): Told[] {
  const { attempt } = over;
  return [
    ['queued', new Date(over.queued_at), { by: approver, attempt: null }],
    ['dispatching', new Date(over.claimed_at), { attempt }],
    ['running', over.started_at === null ? null : new Date(over.started_at), { attempt }],
    ['attempt_failed', new Date(over.ended_at), { attempt, why: over.message ?? over.cause ?? over.outcome }],
  ];
}

function attemptAt(status: Step['status'], job: Job): number | null {
  if (job.claimedAt === null || status === 'submitted' || status === 'attempt_failed') return null;
  return holdsSlot(status) || (status === job.state && job.endedAt !== null) ? job.attempt : null;
}
