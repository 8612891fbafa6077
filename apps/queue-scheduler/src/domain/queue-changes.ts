import type { Whose } from './holders.js';
import { holdsSlot, isInLine, type Job } from './job.js';
import { poolName, type Machine } from './pools.js';

/** What identifies a lane: jobs of one person, for one team, in one band, on one kind of machine. */
export interface LaneKey extends Whose {
  readonly band: number;
  /** As `poolName` in domain/pools.ts has it. */
  readonly pool: string;
}
/** A number of jobs of one lane. */
export interface LaneChange extends LaneKey {
  /** The level whose people the band is for. */
  readonly level: string;
  readonly jobs: number;
}
/** Jobs that join a lane, and the first of them. */
export interface Joining extends LaneChange {
  readonly headOrd: number;
  readonly headQueuedAt: Date;
}

/** A job before and after it changed. */
export interface Changed {
  /** Nothing, for a job that is new. */
  readonly before: Job | undefined;
  readonly after: Job;
}
export interface QueueChanges {
  /** Those that have a slot now. */
  readonly taken: readonly Job[];
  /** Those that have none any more. */
  readonly freed: readonly { readonly before: Job; readonly after: Job }[];
  /** Those that left their lane, as they were in it. */
  readonly left: readonly Job[];
  readonly joined: readonly Job[];
  readonly endedNow: readonly Job[];
}

/** What changes of jobs do to slots and lanes. */
export function queueChanges(changed: readonly Changed[]): QueueChanges {
  const changes = { taken: [], freed: [], left: [], joined: [], endedNow: [] } as {
    -readonly [K in keyof QueueChanges]: QueueChanges[K][number][];
  };
  for (const { before, after } of changed) {
    const had = before !== undefined && holdsSlot(before.state);
    if (!had && holdsSlot(after.state)) changes.taken.push(after);
    if (had && !holdsSlot(after.state)) changes.freed.push({ before, after });
    const [from, to] = [lineOf(before), lineOf(after)];
    if (before && from !== undefined && from !== to) changes.left.push(before);
    if (to !== undefined && from !== to) changes.joined.push(after);
    if (after.endedAt !== null && (before?.endedAt ?? null) === null) changes.endedNow.push(after);
  }
  return changes;
}

/** The lane that a job stands in, if it does. */
const lineOf = (job: Job | undefined): string | undefined =>
  job && isInLine(job) ? keyOf({ ...job, pool: poolName(job) }) : undefined;
const keyOf = ({ userId, teamId, orgId, band, pool }: LaneKey): string =>
  [userId, teamId, orgId, band, pool].join(' ');

export function countByLane(moved: readonly Job[]): LaneChange[] {
  const counts = new Map<string, LaneChange>();
  for (const job of moved) {
    const { userId, teamId, orgId, band, level } = job;
    const lane = { userId, teamId, orgId, band, level, pool: poolName(job) };
    counts.set(keyOf(lane), { ...lane, jobs: (counts.get(keyOf(lane))?.jobs ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** The lanes of jobs that are stored as queued, each with the first of those that join it. */
export function joiningLanes(queued: readonly { readonly job: Job; readonly ord: number }[]): Joining[] {
  const heads = new Map<string, { readonly ord: number; readonly job: Job }>();
  for (const one of queued) {
    const key = keyOf({ ...one.job, pool: poolName(one.job) });
    if (one.ord < (heads.get(key)?.ord ?? Infinity)) heads.set(key, one);
  }
  return countByLane(queued.map(({ job }) => job)).flatMap((lane) => {
    const head = heads.get(keyOf(lane));
    return head
      ? [{ ...lane, headOrd: head.ord, headQueuedAt: head.job.queuedAt ?? head.job.submittedAt }]
      : [];
  });
}

/** How many more jobs run in which pools: so many for each of these jobs. */
export function poolChanges(
  ...moved: (readonly [jobs: readonly Job[], each: number])[]
): (Machine & { by: number })[] {
  const sums = new Map<string, Machine & { by: number }>();
  for (const [jobs, each] of moved)
    for (const { provider, hardware, gpus } of jobs) {
      const machine = { provider, hardware, gpus };
      const name = poolName(machine);
      sums.set(name, { ...machine, by: (sums.get(name)?.by ?? 0) + each });
    }
  return [...sums.values()];
}
