import type { Job } from './job.js';
import type { Leases } from './transition.js';

const MAX_SECONDS = 3_600;

/** When to remind again: after the usual time, and ever more seldom the longer the job has been waiting in this state. */
export function nextLease(job: Job, now: Date, leases: Leases): Date | null {
  const base = baseSeconds(job, leases);
  if (base === undefined) return null;
  const since = job.cancelRequestedAt ?? job.startedAt ?? job.claimedAt ?? job.heldAt ?? job.submittedAt;
  const waitedSeconds = Math.max(0, (now.getTime() - since.getTime()) / 1_000);
  // A run's lease is renewed whenever it is heard of, so its age says nothing about its silence.
  const seconds = job.state === 'running' ? base : Math.max(base, Math.min(MAX_SECONDS, waitedSeconds));
  return new Date(now.getTime() + seconds * 1_000);
}

function baseSeconds(job: Job, leases: Leases): number | undefined {
  switch (job.state) {
    case 'awaiting_evaluation':
    case 'pending_approval':
      return leases.evaluationSeconds;
    case 'dispatching':
    case 'cancelling':
      return leases.dispatchSeconds;
    case 'running':
      return leases.runSeconds;
    case 'queued':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return undefined;
  }
}
