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

  /** How many lanes were looked at until now: what it cost. */
  get looks(): number {
    return this.#looks;
  }
  get moment(): Moment {
    return this.#moment;
  }
  takenOf(holder: string): number {
    return this.#taken.get(holder) ?? 0;
  }
  /** Of its org, its team and its lane, in its band. */
  ranksOf(job: J): Rank[] {
    const { branch } = this.#laneOf(job);
    return [branch.parent?.parent, branch.parent, branch].flatMap((one) => (one ? [this.#rank(one)] : []));
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
    if (branch.lane) return this.#firstOf(branch.lane);
    const bound = this.choice.cuts?.get(branch.name);
    for (const child of this.#childrenOf(branch)) {
      if (bound && compareRanks(child.rank, bound) > 0) return CUT;
      const found = this.#first(child);
      if (found !== undefined) return found;
    }
    return bound && CUT;
  }

  #firstOf({ name, jobs: [head] }: Lane<J>): Found<J> {
    this.#looks += 1;
    if (this.#held.has(name)) return undefined;
    if (!head) return this.#goesOn(name) ? CUT : undefined;
    return this.#may(head) ? head : undefined;
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
    if (lane.branch.parent) lane.branch.parent.order = undefined;
    this.#change(lane, () => this.#leftBehind.push(lane.jobs.splice(0)));
    this.#held.add(lane.name);
    return false;
  }

  /** Changes which job of a lane is its first, and puts the lane where it belongs by it. */
  #change(lane: Lane<J>, change: () => unknown): void {
    const { branch } = lane;
    this.#byAge?.remove(lane);
    if (branch.parent?.order)
      branch.parent.order.move(branch, () => {
        change();
        branch.rank = this.#rank(branch);
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

  #rank({ key, holder, lane }: Branch<J>): Rank {
    const borrows = (this.#taken.get(holder) ?? 0) >= (this.choice.nominal.get(holder) ?? Infinity);
    // Where people used the same who is first goes first; of orgs and teams that is not known without a look at all of theirs.
    const ord = lane ? this.#ordOf(lane) : Number(key.split('/').at(-1));
    return [borrows ? 1 : 0, this.#used.get(key) ?? 0, ord];
  }

  /** Of its first job; of one that is behind what was read it is not known more than that it comes after the last that left. */
  #ordOf({ name, jobs: [head] }: Lane<J>): number {
    if (head) return head.ord;
    return this.#cutLanes.has(name) ? (this.#last.get(name)?.ord ?? -Infinity) : Infinity;
  }

  #laneOf(place: Place): Lane<J> {
    const name = laneName(place);
    const known = this.#lanes.get(name);
    if (known) return known;
    let branch = this.#bands.get(place.band);
    if (!branch)
      this.#bands.set(place.band, (branch = emptyBranch(branchName(place.band), undefined, '', '')));
    const holders = [`org:${place.org}`, `team:${place.team}`, `user:${place.user}`];
    const keys = keysOf(place);
    for (const [depth, key] of keys.entries()) {
      const of = depth === keys.length - 1 ? name : key;
      let child: Branch<J> | undefined = branch.children.get(of);
      if (!child) {
        child = emptyBranch(branchName(place.band, of), branch, key, holders[depth] ?? '');
        branch.children.set(of, child);
        branch.order = undefined;
        this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), child]);
      }
      branch = child;
    }
    const lane = { name, branch, jobs: [] };
    branch.lane = lane;
    this.#lanes.set(name, lane);
    return lane;
  }
}
