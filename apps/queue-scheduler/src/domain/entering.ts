import type { ApprovalNeed } from '@lineclear/contracts';
import type { Job } from './job.js';
import type { Leases } from './transition.js';

/** What the rules said of a new job: `undefined` when nobody answered, `null` when none of them holds it. */
export type Verdict = ApprovalNeed | null | undefined;

/** The state in which a new job is stored. Without a verdict it waits: silence is not consent. */
export function entering(job: Job, verdict: Verdict, now: Date, leases: Leases): Job {
  const leaseUntil = new Date(now.getTime() + leases.evaluationSeconds * 1_000);
  if (verdict === undefined) return { ...job, state: 'awaiting_evaluation', leaseUntil };
  if (verdict === null) return { ...job, state: 'queued', queuedAt: now };
  return { ...job, state: 'pending_approval', approval: verdict, heldAt: now, leaseUntil };
}
