import type { Quota } from '@lineclear/contracts';
import { add, type Choice, type Hold, type Moment, type Taken, type Waiting } from './choice.js';
import { holdersOf, type Holder, type Whose } from './holders.js';
import { CUT, Line } from './line.js';
import { holderOf, quotasOf } from './quotas.js';

export interface Picks<J> {
  readonly picked: readonly J[];
  /** What would come next is behind what was read. */
  readonly isCut: boolean;
}

/**
 * Who goes next, one after the other: the highest band first; in it the org, of this the team, of this the user that used
 * least (decayed; who borrows comes after who does not; of several who used the same, whose job came first of those that may go),
 * and of this the first job. Whoever is at a ceiling is passed over.
 * Every so many decisions the oldest job that is overdue goes first, whatever its band. `affords` is asked last, once for each
 * job that would go, and may say no: then its lane waits. db/pick.ts reads as much of the queue as this needs, and is tested
 * against the whole of it.
 */
export function pick<J extends Waiting>(
  choice: Choice<J>,
  room: number,
  moment: Moment,
  affords: (job: J) => boolean = () => true,
): Picks<J> {
  const line = new Line(choice, moment, affords);
  const picked: J[] = [];
  while (picked.length < room) {
    const next = line.next();
    if (next === undefined || next === CUT) return { picked, isCut: next === CUT };
    picked.push(next);
  }
  return { picked, isCut: false };
}

/**
 * Those of some new jobs that need not queue, when nobody who could go is in the queue: the house has room for all of
 * them, and whatever they would take a slot of has room for all of theirs. Whatever their order, `pick` would take them.
 */
export function pickAtOnce<J extends Pick<Waiting, 'holds'>>(
  jobs: readonly J[],
  room: number,
  taken: Taken,
): J[] {
  if (jobs.length > room) return [];
  const all = new Map(taken);
  for (const job of jobs) add(job, all);
  return jobs.filter(({ holds }) => holds.every(({ holder, atMost }) => (all.get(holder) ?? 0) <= atMost));
}

/** How many slots of whom a pick takes, and how many they may have. */
export interface Taking {
  readonly holder: Holder;
  readonly jobs: number;
  readonly atMost: number;
}

const isHolder = (holder: string): holder is Holder => /^(?:user|team|org):/.test(holder);

export function takingsOf(picked: readonly Pick<Waiting, 'holds'>[]): Taking[] {
  const takings = new Map<Holder, Taking>();
  for (const { holder, atMost } of picked.flatMap(({ holds }) => holds)) {
    if (!isHolder(holder)) continue;
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
): Hold[] {
  const limits = new Map<Holder, number>([[`user:${job.userId}`, userAtMost]]);
  for (const quota of quotasOf(quotas, job)) {
    if (quota.quota_type !== 'concurrent_jobs' || quota.action !== 'block') continue;
    const holder = holderOf(quota, job);
    limits.set(holder, Math.min(limits.get(holder) ?? Infinity, quota.limit));
  }
  return holdersOf(job).map((holder) => ({ holder, takes: 1, atMost: limits.get(holder) ?? Infinity }));
}
