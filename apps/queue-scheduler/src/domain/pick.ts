import type { Quota } from '@lineclear/contracts';
import { holdersOf, type Holder, type Whose } from './holders.js';
import { holderOf, quotasOf } from './quotas.js';
import { charged, type FairPolicy, type Path } from './share.js';

/** What a job takes while it has a slot: so many of it, of as many as there may be taken at once. */
export interface Hold {
  readonly holder: string;
  readonly takes: number;
  readonly atMost: number;
}
/** How much is taken of each. */
export type Taken = ReadonlyMap<string, number>;

/** A queued job. Those of one person, band and pool wait in one lane, in the order of `ord`. */
export interface Waiting extends Path {
  readonly id: string;
  /** The higher goes first. */
  readonly band: number;
  /** Where it wants to run: what is full there must not hide others. */
  readonly pool: string;
  readonly ord: number;
  readonly queuedAtMs: number;
  readonly charge: number;
  readonly holds: readonly Hold[];
}

/** Among brothers the lower goes first: who is within what is his own, then who used least, then who is first. */
export type Rank = readonly [borrows: number, key: number, ord: number];
export const compareRanks = (one: Rank, other: Rank): number =>
  one[0] - other[0] || one[1] - other[1] || one[2] - other[2];

/** What there is to choose from: the whole queue, or as much of its beginning as was read. */
export interface Choice<J extends Waiting> {
  readonly jobs: readonly J[];
  readonly taken: Taken;
  /** What orgs, teams and users used (domain/share.ts), by `keysOf`; 0 for who is not in it. */
  readonly used: ReadonlyMap<string, number>;
  /** How many slots are an org's or a team's own, by holder; beyond them it borrows, and goes after those that do not. */
  readonly nominal: ReadonlyMap<string, number>;
  /** By the name of a branch: children of it that are not here rank no lower than this. Where it is not said all are here. */
  readonly cuts?: ReadonlyMap<string, Rank>;
  /** Names of lanes that have more jobs behind those that are here. */
  readonly cutLanes?: ReadonlySet<string>;
  /** Where not all lanes are here: the oldest overdue job, or null for none. */
  readonly overdue?: J | null;
}

/** When, by which rules, and after how many decisions. */
export interface Moment {
  readonly atMs: number;
  readonly halfLives: number;
  readonly policy: FairPolicy;
  readonly decisions: number;
}

export interface Picks<J> {
  readonly picked: readonly J[];
  /** What would come next is behind what was read. */
  readonly isCut: boolean;
}

/** Of its org, its team and its user. */
export const keysOf = ({ org, team, user }: Path): [org: string, team: string, user: string] => [
  `${org}`,
  `${org}/${team}`,
  `${org}/${team}/${user}`,
];
/** The name of a branch of the queue: a band, or what of it is an org's, a team's or a user's. */
export const branchName = (band: number, key?: string): string =>
  key === undefined ? `${band}` : `${band}:${key}`;
export const laneName = (job: Path & { readonly band: number; readonly pool: string }): string =>
  `${branchName(job.band, keysOf(job)[2])} ${job.pool}`;

export const hasRoom = ({ holds }: Pick<Waiting, 'holds'>, taken: Taken): boolean =>
  holds.every(({ holder, takes, atMost }) => (taken.get(holder) ?? 0) + takes <= atMost);

const add = ({ holds }: Pick<Waiting, 'holds'>, taken: Map<string, number>): void => {
  for (const { holder, takes } of holds) taken.set(holder, (taken.get(holder) ?? 0) + takes);
};

/**
 * Who goes next, one after the other: the highest band first; in it the org, of this the team, of this the user that used
 * least (decayed; who borrows comes after who does not), and of this the first job. Whoever is at a ceiling is passed over.
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

const CUT = 'cut';
const FREE = { holds: [] };
type Found<J> = J | typeof CUT | undefined;

interface Branch<J> {
  readonly name: string;
  /** Of what it used; empty for the band's own. */
  readonly key: string;
  /** Whose slots tell whether it borrows. */
  readonly holder: string;
  readonly children: Map<string, Branch<J>>;
  /** A user's, by pool. */
  readonly lanes: Map<string, J[]>;
}

class Line<J extends Waiting> {
  readonly #bands = new Map<number, Branch<J>>();
  readonly #taken: Map<string, number>;
  readonly #used: Map<string, number>;
  /** The last job that left a lane. */
  readonly #last = new Map<string, J>();
  readonly #held = new Set<string>();
  readonly #cutLanes: Set<string>;
  #decisions: number;
  #overdueIsTaken = false;

  constructor(
    private readonly choice: Choice<J>,
    private readonly moment: Moment,
    private readonly affords: (job: J) => boolean,
  ) {
    this.#taken = new Map(choice.taken);
    this.#used = new Map(choice.used);
    this.#cutLanes = new Set(choice.cutLanes);
    this.#decisions = moment.decisions;
    for (const job of choice.jobs.toSorted((a, b) => a.ord - b.ord)) this.#lanesOf(job).push(job);
  }

  next(): Found<J> {
    const found = this.#overdue() ?? this.#inTurn();
    if (found !== undefined && found !== CUT) this.#take(found);
    return found;
  }

  #inTurn(): Found<J> {
    const bands = [...this.#bands].toSorted(([a], [b]) => b - a);
    for (const [, root] of bands) {
      const found = this.#first(root);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The first job of a branch that may go. */
  #first(branch: Branch<J>): Found<J> {
    if (branch.lanes.size > 0) return this.#firstOfUser(branch);
    const bound = this.choice.cuts?.get(branch.name);
    const children = [...branch.children.values()].map((child) => ({ child, rank: this.#rank(child) }));
    for (const { child, rank } of children.toSorted((a, b) => compareRanks(a.rank, b.rank))) {
      if (bound && compareRanks(rank, bound) > 0) return CUT;
      const found = this.#first(child);
      if (found !== undefined) return found;
    }
    return bound && CUT;
  }

  #firstOfUser({ lanes }: Branch<J>): Found<J> {
    const heads: J[] = [];
    for (const [name, lane] of lanes) {
      if (this.#held.has(name)) continue;
      if (lane[0]) heads.push(lane[0]);
      else if (this.#cutLanes.has(name) && hasRoom(this.#last.get(name) ?? FREE, this.#taken)) return CUT;
    }
    for (const head of heads.toSorted((a, b) => a.ord - b.ord)) if (this.#may(head)) return head;
    return undefined;
  }

  #overdue(): Found<J> {
    const { policy, atMs } = this.moment;
    if ((this.#decisions + 1) % policy.guardEvery !== 0) return undefined;
    if (this.choice.overdue !== undefined) {
      const job = this.choice.overdue;
      if (job === null) return undefined;
      return !this.#overdueIsTaken && this.#may(job) ? job : CUT;
    }
    const heads = [...this.#bands.values()].flatMap((band) => this.#heads(band));
    const since = atMs - policy.starvationThresholdSeconds * 1_000;
    return heads
      .filter(({ queuedAtMs }) => queuedAtMs <= since)
      .toSorted((a, b) => a.queuedAtMs - b.queuedAtMs || a.ord - b.ord)
      .find((job) => this.#may(job));
  }

  #heads(branch: Branch<J>): J[] {
    const own = [...branch.lanes.values()].flatMap((lane) => lane.slice(0, 1));
    return [...own, ...[...branch.children.values()].flatMap((child) => this.#heads(child))];
  }

  #may(job: J): boolean {
    if (!hasRoom(job, this.#taken)) return false;
    if (this.affords(job)) return true;
    // Whoever is first in a lane goes first: what is behind it waits too.
    this.#lanesOf(job).length = 0;
    this.#held.add(laneName(job));
    return false;
  }

  #take(job: J): void {
    if (job === this.choice.overdue) this.#overdueIsTaken = true;
    const lane = this.#lanesOf(job);
    if (lane[0] === job) lane.shift();
    else this.#cutLanes.add(laneName(job));
    this.#last.set(laneName(job), job);
    add(job, this.#taken);
    for (const key of keysOf(job)) {
      this.#used.set(key, charged(this.#used.get(key) ?? 0, job.charge, this.moment.halfLives));
    }
    this.#decisions += 1;
  }

  #rank({ key, holder, children, lanes }: Branch<J>): Rank {
    const borrows = (this.#taken.get(holder) ?? 0) >= (this.choice.nominal.get(holder) ?? Infinity);
    // Where people used the same who is first goes first; of orgs and teams that is not known without a look at all of theirs.
    const ords = [...lanes.values()].flatMap((lane) => lane.slice(0, 1).map(({ ord }) => ord));
    const ord = children.size > 0 ? Number(key.split('/').at(-1)) : Math.min(Infinity, ...ords);
    return [borrows ? 1 : 0, this.#used.get(key) ?? 0, ord];
  }

  #lanesOf(job: J): J[] {
    let branch = this.#bands.get(job.band);
    if (!branch) this.#bands.set(job.band, (branch = emptyBranch(branchName(job.band), '', '')));
    const holders = [`org:${job.org}`, `team:${job.team}`, `user:${job.user}`];
    for (const [depth, key] of keysOf(job).entries()) {
      let child: Branch<J> | undefined = branch.children.get(key);
      if (!child) {
        child = emptyBranch(branchName(job.band, key), key, holders[depth] ?? '');
        branch.children.set(key, child);
      }
      branch = child;
    }
    const name = laneName(job);
    const lane = branch.lanes.get(name);
    if (lane) return lane;
    const fresh: J[] = [];
    branch.lanes.set(name, fresh);
    return fresh;
  }
}

const emptyBranch = <J>(name: string, key: string, holder: string): Branch<J> => ({
  name,
  key,
  holder,
  children: new Map(),
  lanes: new Map(),
});

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
