/** The queued jobs of one user in one band, oldest first. */
export interface Lane {
  readonly userId: number;
  readonly band: number;
  readonly jobs: readonly { readonly id: string; readonly ord: number }[];
}
export interface Ceilings {
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
}
/** How many slots are taken: in the whole house, and by each user. */
export interface Taken {
  readonly all: number;
  readonly byUser: ReadonlyMap<number, number>;
}

/**
 * Who goes next: higher bands first, inside a band the oldest first, never above a ceiling, and passing over users
 * who are at theirs. This is the policy; the SQL in db/pick.ts is its fast form and is tested against it.
 */
export function pick(lanes: readonly Lane[], ceilings: Ceilings, taken: Taken): string[] {
  const waiting = lanes
    .flatMap((lane) => lane.jobs.map((job) => ({ ...job, userId: lane.userId, band: lane.band })))
    .sort((a, b) => b.band - a.band || a.ord - b.ord);
  const byUser = new Map(taken.byUser);
  const picked: string[] = [];
  for (const job of waiting) {
    if (taken.all + picked.length >= ceilings.maxConcurrent) break;
    const held = byUser.get(job.userId) ?? 0;
    if (held >= ceilings.userMaxConcurrent) continue;
    byUser.set(job.userId, held + 1);
    picked.push(job.id);
  }
  return picked;
}

/**
 * Those of some new jobs that need not queue, when nobody who could go is in the queue: the house has room for all of
 * them, and their user for all of theirs. Whatever their order, `pick` would take them.
 */
export function pickAtOnce<J extends { readonly userId: number }>(
  jobs: readonly J[],
  ceilings: Ceilings,
  taken: Taken,
): J[] {
  if (taken.all + jobs.length > ceilings.maxConcurrent) return [];
  const held = new Map(taken.byUser);
  for (const { userId } of jobs) held.set(userId, (held.get(userId) ?? 0) + 1);
  return jobs.filter(({ userId }) => (held.get(userId) ?? 0) <= ceilings.userMaxConcurrent);
}
