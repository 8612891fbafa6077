import { byAge, byRank, emptyBranch, type Branch, type Lane } from './branch.js';
import {
  add,
  branchName,
  compareRanks,
  hasRoom,
  keysOf,
  laneName,
  type Choice,
  type Moment,
  type Place,
  type Rank,
  type Waiting,
} from './choice.js';
import { charged, type Path } from './share.js';
import { Sorted } from './sorted.js';

/** What comes next is behind what was read. */
export const CUT = 'cut';
const FREE = { holds: [] };
export type Found<J> = J | typeof CUT | undefined;

/** The queue as decisions change it, one after the other. */
export class Line<J extends Waiting> {
  readonly #bands = new Map<number, Branch<J>>();
  readonly #byKey = new Map<string, Branch<J>[]>();
  readonly #lanes = new Map<string, Lane<J>>();
  /** By how long their first job waits; not there until somebody asks for it. */
  #byAge: Sorted<Lane<J>> | undefined;
  readonly #taken: Map<string, number>;
  readonly #used: Map<string, number>;
  /** The last job that left a lane. */
  readonly #last = new Map<string, J>();
  readonly #held = new Set<string>();
  readonly #leftBehind: J[][] = [];
  readonly #cutLanes: Set<string>;
  #moment: Moment;
  #decisions: number;
  #overdueIsTaken = false;
  #looks = 0;

  constructor(
    private readonly choice: Choice<J>,
    moment: Moment,
    private readonly affords: (job: J) => boolean = () => true,
  ) {
    this.#taken = new Map(choice.taken);
    this.#used = new Map(choice.used);
    this.#cutLanes = new Set(choice.cutLanes);
    this.#moment = moment;
    this.#decisions = moment.decisions;
    for (const place of choice.fullLanes ?? []) this.#laneOf(place);
    this.join(choice.jobs);
  }

  /** How many people's jobs were looked at until now: what it cost. */
  get looks(): number {
    return this.#looks;
  }
  get moment(): Moment {
    return this.#moment;
  }
  takenOf(holder: string): number {
    return this.#taken.get(holder) ?? 0;
  }
  /** Of its org, its team and its user, in its band. */
  ranksOf(job: J): Rank[] {
    const user = this.#laneOf(job).user;
    return [user.parent?.parent, user.parent, user].flatMap((branch) => (branch ? [this.#rank(branch)] : []));
  }

  next(): Found<J> {
    const found = this.overdue() ?? this.inTurn();
    if (found !== undefined && found !== CUT) this.take(found);
    return found;
  }

  /** Jobs of lanes that left because the first of them could not be afforded, since this was asked last. */
  leftBehind(): J[][] {
    return this.#leftBehind.splice(0);
  }

  /** Jobs come in. */
  join(jobs: readonly J[]): void {
    for (const job of jobs.toSorted((a, b) => a.ord - b.ord)) {
      const lane = this.#laneOf(job);
      this.#held.delete(lane.name);
      if (lane.jobs.length > 0) lane.jobs.push(job);
      else this.#change(lane, () => lane.jobs.push(job));
    }
  }

  /** Time goes by. */
  moveTo(at: Pick<Moment, 'atMs' | 'halfLives'>): void {
    this.#moment = { ...this.#moment, ...at };
  }

  /** A job that was in has ended: what it took is free again, and it is charged so much more (or, below 0, less) than it was. */
  end(job: Path & Pick<Waiting, 'holds'>, correction: number): void {
    for (const { holder, takes } of job.holds)
      this.#taken.set(holder, (this.#taken.get(holder) ?? 0) - takes);
    this.#charge(job, correction);
  }

  inTurn(): Found<J> {
    const bands = [...this.#bands].toSorted(([a], [b]) => b - a);
    for (const [, root] of bands) {
      const found = this.#first(root);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The job that waits longest, when it is the turn of those that waited too long. */
  overdue(): Found<J> {
    const { policy, atMs } = this.#moment;
    if ((this.#decisions + 1) % policy.guardEvery !== 0) return undefined;
    if (this.choice.overdue !== undefined) {
      const job = this.choice.overdue;
      if (job === null) return undefined;
      return !this.#overdueIsTaken && this.#may(job) ? job : CUT;
    }
    for (const name of this.#cutLanes) if (this.#goesOn(name)) return CUT;
    const since = atMs - policy.starvationThresholdSeconds * 1_000;
    this.#byAge ??= new Sorted(
      byAge,
      [...this.#lanes.values()].filter(({ jobs }) => jobs.length > 0),
    );
    // What cannot be afforded leaves the list meanwhile.
    const lanes = [...this.#byAge];
    for (const { jobs } of lanes) {
      const [head] = jobs;
      if (!head || head.queuedAtMs > since) return undefined;
      this.#looks += 1;
      if (this.#may(head)) return head;
    }
    return undefined;
  }

  take(job: J): void {
    if (job === this.choice.overdue) this.#overdueIsTaken = true;
    const lane = this.#laneOf(job);
    if (lane.jobs[0] === job) this.#change(lane, () => lane.jobs.shift());
    else this.#cutLanes.add(lane.name);
    this.#last.set(lane.name, job);
    add(job, this.#taken);
    this.#charge(job, job.charge);
    this.#decisions += 1;
  }

  /** The first job of a branch that may go. */
  #first(branch: Branch<J>): Found<J> {
    if (branch.lanes.size > 0) return this.#firstOfUser(branch);
    const bound = this.choice.cuts?.get(branch.name);
    for (const child of this.#childrenOf(branch)) {
      if (bound && compareRanks(child.rank, bound) > 0) return CUT;
      const found = this.#first(child);
      if (found !== undefined) return found;
    }
    return bound && CUT;
  }

  #firstOfUser({ lanes }: Branch<J>): Found<J> {
    this.#looks += 1;
    const heads: J[] = [];
    for (const [name, { jobs }] of lanes) {
      if (this.#held.has(name)) continue;
      if (jobs[0]) heads.push(jobs[0]);
      else if (this.#goesOn(name)) return CUT;
    }
    if (heads.length > 1) heads.sort((a, b) => a.ord - b.ord);
    return heads.find((head) => this.#may(head));
  }

  /** All that was here of a lane is gone, and there is more that could go. */
  #goesOn(name: string): boolean {
    return (
      this.#cutLanes.has(name) &&
      !this.#held.has(name) &&
      (this.#lanes.get(name)?.jobs.length ?? 0) === 0 &&
      hasRoom(this.#last.get(name) ?? FREE, this.#taken)
    );
  }

  #may(job: J): boolean {
    if (!hasRoom(job, this.#taken)) return false;
    if (this.affords(job)) return true;
    // Whoever is first in a lane goes first: what is behind it waits too.
    const lane = this.#laneOf(job);
    // Whoever goes through the order right now goes on with it as it was.
    if (lane.user.parent) lane.user.parent.order = undefined;
    this.#change(lane, () => this.#leftBehind.push(lane.jobs.splice(0)));
    this.#held.add(lane.name);
    return false;
  }

  /** Changes which job of a lane is its first, and puts the lane and its user where they belong by it. */
  #change(lane: Lane<J>, change: () => unknown): void {
    const { user } = lane;
    this.#byAge?.remove(lane);
    if (user.parent?.order)
      user.parent.order.move(user, () => {
        change();
        user.rank = this.#rank(user);
      });
    else change();
    if (lane.jobs.length > 0) this.#byAge?.add(lane);
  }

  #charge(job: Path, amount: number): void {
    for (const key of keysOf(job)) {
      if (amount !== 0)
        this.#used.set(key, charged(this.#used.get(key) ?? 0, amount, this.#moment.halfLives));
      // Whether it borrows may have changed too.
      for (const branch of this.#byKey.get(key) ?? [])
        branch.parent?.order?.move(branch, () => (branch.rank = this.#rank(branch)));
    }
  }

  #childrenOf(branch: Branch<J>): Sorted<Branch<J>> {
    if (!branch.order) {
      for (const child of branch.children.values()) child.rank = this.#rank(child);
      branch.order = new Sorted(byRank, branch.children.values());
    }
    return branch.order;
  }

  #rank({ key, holder, children, lanes }: Branch<J>): Rank {
    const borrows = (this.#taken.get(holder) ?? 0) >= (this.choice.nominal.get(holder) ?? Infinity);
    // Where people used the same who is first goes first; of orgs and teams that is not known without a look at all of theirs.
    let ord = children.size > 0 ? Number(key.split('/').at(-1)) : Infinity;
    for (const { jobs } of lanes.values()) ord = Math.min(ord, jobs[0]?.ord ?? Infinity);
    return [borrows ? 1 : 0, this.#used.get(key) ?? 0, ord];
  }

  #laneOf(place: Place): Lane<J> {
    const name = laneName(place);
    const known = this.#lanes.get(name);
    if (known) return known;
    let branch = this.#bands.get(place.band);
    if (!branch)
      this.#bands.set(place.band, (branch = emptyBranch(branchName(place.band), undefined, '', '')));
    const holders = [`org:${place.org}`, `team:${place.team}`, `user:${place.user}`];
    for (const [depth, key] of keysOf(place).entries()) {
      let child: Branch<J> | undefined = branch.children.get(key);
      if (!child) {
        child = emptyBranch(branchName(place.band, key), branch, key, holders[depth] ?? '');
        branch.children.set(key, child);
        branch.order = undefined;
        this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), child]);
      }
      branch = child;
    }
    const lane = { name, user: branch, jobs: [] };
    branch.lanes.set(name, lane);
    this.#lanes.set(name, lane);
    return lane;
  }
}
