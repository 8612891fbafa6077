import { holdsSlot, secondsOf, type Attempt, type Job } from './job.js';
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
  // The claim, and the machine, of the attempt that begins or is over.
  const job = had ? before : after;
  if (has === had || job.claimedAt === null) return [];
  const expected = chargeOf(job);
  const over = after.attempts.at(-1);
  const amount = has ? expected : (over ? taken(job.costPerHourUsd, over) : 0) - expected;
  return amount === 0 ? [] : [{ ...pathOf(job), amount, at: job.claimedAt }];
}

function taken(price: number, over: Attempt): number {
  if (over.started_at === null) return 0;
  if (price > 0) return over.cost_usd;
  return chargeOf({ estimatedCostUsd: 0, gpus: over.gpus, estimatedDurationSeconds: secondsOf(over) });
}
