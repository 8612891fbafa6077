import type { Job } from './job.js';

/** Where a job stands that is in the queue, and what keeps it there. */
export interface Standing {
  /** From 1; null beyond those that are counted out. */
  readonly position: number | null;
  /** As many as may of its person's, its team's and its organisation's jobs hold a slot. */
  readonly isUserFull: boolean;
  readonly isTeamFull: boolean;
  readonly isOrgFull: boolean;
  /** Until then a quota leaves no money for it. */
  readonly heldUntil: Date | null;
}

/** What a job waits for, in words behind "it waits for"; null where it waits for nothing. */
export function waitsFor(job: Job, standing: Standing | undefined, now: Date): string | null {
  switch (job.state) {
    case 'awaiting_evaluation':
      return 'a word whether a rule holds it';
    case 'pending_approval':
      return forApproval(job);
    case 'queued':
      if (job.onHold) return 'its owner to release it: it is on hold';
      return standing ? inQueue(job, standing, now) : 'its turn';
    case 'dispatching':
      return 'its provider to start it';
    case 'cancelling':
      return 'its run to stop';
    case 'running':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return null;
  }
}

function forApproval({ approval }: Job): string {
  if (!approval) return 'an approval';
  const { required_level, also_levels = [], expires_at, reason } = approval;
  return `somebody of level ${[required_level, ...also_levels].join(' and ')} to approve it, until ${expires_at}: ${reason}`;
}

function inQueue(job: Job, standing: Standing, now: Date): string {
  const { position, heldUntil, isUserFull, isTeamFull, isOrgFull } = standing;
  if (heldUntil && heldUntil > now)
    return `money: a quota leaves none for it before ${heldUntil.toISOString()}, unless some comes back`;
  if (isUserFull) return `another job of ${job.username} to end: no more of one person's may run at once`;
  if (isTeamFull) return "another job of its team to end: no more of the team's may run at once";
  if (isOrgFull)
    return "another job of its organisation to end: no more of the organisation's may run at once";
  if (position === 1) return 'its turn: it is the first in the queue';
  return position === null
    ? 'its turn, far back in the queue'
    : `its turn: ${position - 1} before it in the queue`;
}
