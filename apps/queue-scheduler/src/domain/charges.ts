import { holdsSlot, type Job } from './job.js';
import { chargeOf, type Path } from './share.js';

/** What a change of a job adds to what its user, team and org used: as of when it was claimed. */
export interface JobCharge extends Path {
  readonly amount: number;
  readonly at: Date;
}

const pathOf = ({ userId, teamId, orgId }: Job): Path => ({
  user: userId,
  team: teamId ?? 0,
  org: orgId ?? 0,
});

/** A claim is charged what it is expected to take; when its slot is free again that becomes what it took. */
export function chargesOf(before: Job | undefined, after: Job): JobCharge[] {
  const had = before !== undefined && holdsSlot(before.state);
  const has = holdsSlot(after.state);
  if (has === had || after.claimedAt === null) return [];
  const expected = chargeOf(after);
  const amount = has ? expected : taken(after) - expected;
  return amount === 0 ? [] : [{ ...pathOf(after), amount, at: after.claimedAt }];
}

function taken(job: Job): number {
  if (job.startedAt === null || job.endedAt === null) return 0;
  if (job.costPerHourUsd > 0) return job.costUsd ?? 0;
  const seconds = Math.max(0, (job.endedAt.getTime() - job.startedAt.getTime()) / 1_000);
  return chargeOf({ estimatedCostUsd: 0, gpus: job.gpus, estimatedDurationSeconds: seconds });
}
