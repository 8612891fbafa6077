import type { Quota } from '@lineclear/contracts';
import { holdersOf, type Holder, type Whose } from './holders.js';
import { holderOf, quotasOf } from './quotas.js';

/** A queued job, with what it would take a slot of: how many of them there may be. */
export interface Waiting {
  readonly id: string;
  readonly holds: readonly { readonly holder: Holder; readonly atMost: number }[];
}
/** How many slots are taken by each. */
export type Taken = ReadonlyMap<Holder, number>;

const hasRoom = ({ holds }: Waiting, taken: Taken): boolean =>
  holds.every(({ holder, atMost }) => (taken.get(holder) ?? 0) < atMost);

const withJob = ({ holds }: Waiting, taken: Map<Holder, number>): void => {
  for (const { holder } of holds) taken.set(holder, (taken.get(holder) ?? 0) + 1);
};

/**
 * Who goes next of those in the queue, who are given in its order (higher bands first, inside a band the oldest first):
 * never above a ceiling, and passing over those whose user, team or organisation is at theirs. `affords` is asked last
 * and may say no. db/pick.ts finds as much of the queue as this needs, and is tested against the whole of it.
 */
export function pick<J extends Waiting>(
  queue: readonly J[],
  room: number,
  taken: Taken,
  affords: (job: J) => boolean = () => true,
): J[] {
  const now = new Map(taken);
  const picked: J[] = [];
  for (const job of queue) {
    if (picked.length >= room) break;
    if (!hasRoom(job, now) || !affords(job)) continue;
    withJob(job, now);
    picked.push(job);
  }
  return picked;
}

/**
 * Those of some new jobs that need not queue, when nobody who could go is in the queue: the house has room for all of
 * them, and whatever they would take a slot of has room for all of theirs. Whatever their order, `pick` would take them.
 */
export function pickAtOnce<J extends Waiting>(jobs: readonly J[], room: number, taken: Taken): J[] {
  if (jobs.length > room) return [];
  const all = new Map(taken);
  for (const job of jobs) withJob(job, all);
  return jobs.filter(({ holds }) => holds.every(({ holder, atMost }) => (all.get(holder) ?? 0) <= atMost));
}

/** How many slots of whom a pick takes, and how many they may have. */
export interface Taking {
  readonly holder: Holder;
  readonly jobs: number;
  readonly atMost: number;
}

export function takingsOf(picked: readonly Waiting[]): Taking[] {
  const takings = new Map<Holder, Taking>();
  for (const { holder, atMost } of picked.flatMap(({ holds }) => holds)) {
    const so = takings.get(holder) ?? { jobs: 0, atMost };
    // A person whose level was changed has jobs of both: each was let in by its own level's ceiling.
    takings.set(holder, { holder, jobs: so.jobs + 1, atMost: Math.max(so.atMost, atMost) });
  }
  return [...takings.values()];
}

/** How many jobs at once those have that this job would take a slot of: every user no more than so many, and all what quotas that block say. */
export function ceilingsOf(
  quotas: readonly Quota[],
  job: Whose & { readonly level: string },
  userAtMost: number,
): Waiting['holds'] {
  const limits = new Map<Holder, number>([[`user:${job.userId}`, userAtMost]]);
  for (const quota of quotasOf(quotas, job)) {
    if (quota.quota_type !== 'concurrent_jobs' || quota.action !== 'block') continue;
    const holder = holderOf(quota, job);
    limits.set(holder, Math.min(limits.get(holder) ?? Infinity, quota.limit));
  }
  return holdersOf(job).map((holder) => ({ holder, atMost: limits.get(holder) ?? Infinity }));
}
