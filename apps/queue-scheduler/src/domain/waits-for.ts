import type { Job } from './job.js';
import { KEPT_FOR } from './reservation.js';

/** Where a job stands that is in the queue, and what keeps it there. */
export interface Standing {
  /** Its place among those that start, from 1; null where that is not known. */
  readonly position: number | null;
  /** As many as may of its person's, its team's and its organisation's jobs hold a slot. */
  readonly isUserFull: boolean;
  readonly isTeamFull: boolean;
  readonly isOrgFull: boolean;
  /** Nothing new is let in at all. */
  readonly isPaused: boolean;
  /** Maintenance that it would not be over before. */
  readonly maintenance: { readonly id: number; readonly until: Date } | null;
  /** What is said of machines (`provider:acme`, `hardware:a100*`) and leaves no room for it. */
  readonly pausedPools: readonly string[];
  readonly fullPools: readonly string[];
  /** Until then a quota or a cost limit leaves no money for it. */
  readonly heldUntil: Date | null;
  /** The cost limit, where it is one. */
  readonly heldBy: string | null;
}

export const WAIT_REASONS = [
  'evaluation',
  'approval',
  'on_hold',
  'dependency',
  'retry',
  'queue_paused',
  'maintenance',
  'pool_paused',
  'pool_full',
  'kept',
  'budget',
  'user_limit',
  'team_limit',
  'org_limit',
  'turn',
  'provider',
  'stop',
] as const;

/** What a job waits for. */
export interface Wait {
  readonly reason: (typeof WAIT_REASONS)[number];
  /** The limit that keeps it, where one does: of whom or of which machines. */
  readonly limit: string | null;
  /** In words behind "it waits for". */
  readonly text: string;
}

const wait = (reason: Wait['reason'], text: string, limit: string | null = null): Wait => ({
  reason,
  limit,
  text,
});

/** What a job waits for; null where it waits for nothing. */
export function waitOf(job: Job, standing: Standing | undefined, now: Date): Wait | null {
  switch (job.state) {
    case 'awaiting_evaluation':
      return wait('evaluation', 'a word whether a rule holds it');
    case 'pending_approval':
      return wait('approval', forApproval(job));
    case 'queued':
      if (job.onHold) return wait('on_hold', 'its owner to release it: it is on hold');
      if (job.unmet > 0) return wait('dependency', following(job));
      if (job.notBefore !== null)
        return wait('retry', `its next attempt, from ${job.notBefore.toISOString()} on`);
      return standing ? inQueue(job, standing, now) : wait('turn', 'its turn');
    case 'dispatching':
      return wait('provider', 'its provider to start it');
    case 'cancelling':
      return wait('stop', 'its run to stop');
    case 'running':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return null;
  }
}

const MAX_NAMED = 3;
function following({ dependsOn, unmet }: Job): string {
  const named = dependsOn.slice(0, MAX_NAMED).map(({ job_id, when }) => `${job_id} (${when})`);
  const others = dependsOn.length > MAX_NAMED ? ` and ${dependsOn.length - MAX_NAMED} more` : '';
  return `${unmet} of the jobs that it follows to end: ${named.join(', ')}${others}`;
}

function forApproval({ approval }: Job): string {
  if (!approval) return 'an approval';
  const { required_level, also_levels = [], expires_at, reason } = approval;
  return `somebody of level ${[required_level, ...also_levels].join(' and ')} to approve it, until ${expires_at}: ${reason}`;
}

function inQueue(job: Job, standing: Standing, now: Date): Wait {
  const { heldUntil, heldBy, isUserFull, isTeamFull, isOrgFull, pausedPools, fullPools } = standing;
  if (standing.isPaused) return wait('queue_paused', 'the queue to go on: it is paused');
  if (standing.maintenance) {
    const { id, until } = standing.maintenance;
    return wait('maintenance', `maintenance to be over, at ${until.toISOString()}`, `maintenance:${id}`);
  }
  if (pausedPools[0] !== undefined)
    return wait('pool_paused', `its machines to be let go on: ${pausedPools[0]} is paused`, pausedPools[0]);
  if (heldUntil && heldUntil > now && heldBy?.startsWith(KEPT_FOR))
    return wait(
      'kept',
      `machines that are kept for ${heldBy.slice(KEPT_FOR.length)}, which waits for more of them at once`,
      heldBy,
    );
  if (heldUntil && heldUntil > now)
    return wait(
      'budget',
      `money: ${heldBy === null ? 'a quota' : `the limit ${heldBy}`} leaves none for it before ${heldUntil.toISOString()}, unless some comes back`,
      heldBy,
    );
  if (isUserFull)
    return wait(
      'user_limit',
      `another job of ${job.username} to end: no more of one person's may run at once`,
      `user:${job.userId}`,
    );
  if (isTeamFull)
    return wait(
      'team_limit',
      "another job of its team to end: no more of the team's may run at once",
      `team:${job.teamId ?? 0}`,
    );
  if (isOrgFull)
    return wait(
      'org_limit',
      "another job of its organisation to end: no more of the organisation's may run at once",
      `org:${job.orgId ?? 0}`,
    );
  if (fullPools[0] !== undefined)
    return wait('pool_full', `room on its machines: no more of ${fullPools[0]} may be taken`, fullPools[0]);
  return wait('turn', inTurn(standing.position));
}

function inTurn(position: number | null): string {
  if (position === 1) return 'its turn: it is the first in the queue';
  return position === null
    ? 'its turn, far back in the queue'
    : `its turn: ${position - 1} before it in the queue`;
}
