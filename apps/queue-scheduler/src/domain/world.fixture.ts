import type { Quota } from '@lineclear/contracts';
import fc from 'fast-check';
import { countByHolder, type Holder, type Whose } from './holders.js';

export interface QueuedJob extends Whose {
  readonly id: string;
  readonly ord: number;
  readonly band: number;
  readonly level: string;
}
/** A house with a queue, ceilings on orgs, their teams and people, and jobs that run. */
export interface World {
  /** In the order of the queue. */
  readonly queue: readonly QueuedJob[];
  readonly quotas: readonly Quota[];
  readonly running: readonly Whose[];
  readonly taken: ReadonlyMap<Holder, number>;
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
}

const LEVELS_OF_BANDS = new Map([
  [100, 'admin'],
  [25, 'researcher'],
  [20, 'researcher'],
]);
// Users 1 and 4 are in no org; 2 and 5 in the first, which has the teams 1 and 2; 3 and 6 in the second, with 3 and 4.
const ORG_OF: readonly (number | null)[] = [2, null, 1, 2, null, 1, 2];
const whose = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 2 }))
  .map(([userId, team]): Whose => {
    const orgId = ORG_OF[userId] ?? null;
    return { userId, orgId, teamId: orgId === null || team === 0 ? null : (orgId - 1) * 2 + team };
  });
const subject = fc.oneof(
  fc.constant({ scope: 'global' as const, subject: '*' }),
  fc.constantFrom('admin', 'researcher').map((name) => ({ scope: 'level' as const, subject: name })),
  fc.integer({ min: 1, max: 6 }).map((id) => ({ scope: 'user' as const, subject: String(id) })),
  fc.integer({ min: 1, max: 4 }).map((id) => ({ scope: 'team' as const, subject: String(id) })),
  fc.integer({ min: 1, max: 2 }).map((id) => ({ scope: 'org' as const, subject: String(id) })),
);
const quota: fc.Arbitrary<Quota> = fc
  .tuple(
    subject,
    fc.integer({ min: 0, max: 6 }),
    fc.constantFrom('block' as const, 'block' as const, 'warn' as const),
  )
  .map(([about, limit, action]) => ({ ...about, quota_type: 'concurrent_jobs', limit, action }));

export const world: fc.Arbitrary<World> = fc
  .record({
    queue: fc.array(fc.tuple(whose, fc.constantFrom(...LEVELS_OF_BANDS.keys())), { maxLength: 40 }),
    running: fc.array(whose, { maxLength: 16 }),
    quotas: fc.uniqueArray(quota, { maxLength: 6, selector: (one) => `${one.scope}/${one.subject}` }),
    maxConcurrent: fc.integer({ min: 1, max: 40 }),
    userMaxConcurrent: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ queue, running, ...rest }) => ({
    ...rest,
    queue: queue
      .map(([of, band], ord) => ({
        ...of,
        id: `job_${ord.toString(16).padStart(32, '0')}`,
        ord,
        band,
        level: LEVELS_OF_BANDS.get(band) ?? '',
      }))
      .toSorted((a, b) => b.band - a.band || a.ord - b.ord),
    running,
    taken: countByHolder(running),
  }));

/** The ceilings as one would write them down first: one job after the other, everything counted anew for each. */
export function naivePick({ queue, quotas, running, maxConcurrent, userMaxConcurrent }: World): string[] {
  const all: Whose[] = [...running];
  const picked: string[] = [];
  const limitOf = (scope: string, of: string | number | null): Quota | undefined =>
    quotas.find((one) => one.scope === scope && one.subject === String(of));
  const isBelow = (held: number, set: Quota | undefined): boolean =>
    set === undefined || set.action !== 'block' || held < set.limit;
  for (const job of queue) {
    const mine = all.filter(({ userId }) => userId === job.userId).length;
    const ours = all.filter(({ teamId }) => teamId !== null && teamId === job.teamId).length;
    const theirs = all.filter(({ orgId }) => orgId !== null && orgId === job.orgId).length;
    const personal = limitOf('user', job.userId) ?? limitOf('level', job.level) ?? limitOf('global', '*');
    const goes =
      all.length < maxConcurrent &&
      mine < userMaxConcurrent &&
      isBelow(mine, personal) &&
      isBelow(ours, limitOf('team', job.teamId)) &&
      isBelow(theirs, limitOf('org', job.orgId));
    if (!goes) continue;
    all.push(job);
    picked.push(job.id);
  }
  return picked;
}
