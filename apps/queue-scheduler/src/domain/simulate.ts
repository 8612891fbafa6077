import { laneName, type Moment } from './choice.js';
import { grouped } from './grouped.js';
import { CUT, Line } from './line.js';
import type { FairPolicy } from './share.js';
import { windowFor, type Prospect, type Scene, type Slot } from './snapshot.js';
import { Sorted } from './sorted.js';

/** How far a look ahead goes. */
export interface Bounds {
  readonly decisions: number;
  readonly seconds: number;
  /** Lanes looked at, over all decisions. */
  readonly looks: number;
}
export const BOUNDS: Bounds = { decisions: 5_000, seconds: 7 * 86_400, looks: 1_000_000 };

/**
 * Why a look ahead ends: all have started; nothing that ends lets those in that are left; it is far enough; or what comes next
 * was not read.
 */
export type End = 'all' | 'kept' | 'bound' | 'cut';

export interface Start {
  /** From 1: so many jobs have started with it. */
  readonly position: number;
  readonly atMs: number;
}
export interface Simulated {
  readonly starts: ReadonlyMap<string, Start>;
  readonly end: End;
}
/** A job that is about to start, in the queue as it is then. */
export interface Step {
  readonly job: Prospect;
  readonly isOverdue: boolean;
  readonly line: Line<Prospect>;
}

/**
 * Looks ahead, as if nobody submitted anything from now on: slots come free when what runs has taken as long as expected, and go
 * to whoever the policy says. It stops before each start, for whoever wants to look, or to do something else in between.
 */
export function* simulate(scene: Scene, bounds: Bounds = BOUNDS): Generator<Step, Simulated, void> {
  const { snapshot, choice, slots } = scene;
  const { policy } = snapshot;
  const untilMs = snapshot.atMs + bounds.seconds * 1_000;
  const [held, open] = split(choice.jobs, ({ heldUntilMs }) => (heldUntilMs ?? 0) > snapshot.atMs);
  const heldLanes = new Set(held.map(laneName));
  const cutLanes = [...(choice.cutLanes ?? [])].filter((name) => !heldLanes.has(name));
  const line: Line<Prospect> = new Line(
    { ...choice, jobs: open, cutLanes: new Set(cutLanes) },
    momentAt(snapshot, snapshot.atMs),
    (job) => windowFor(job, line.moment.atMs) === undefined,
  );
  const ends = new Sorted<Slot>((one, other) => one.endsAtMs - other.endsAtMs, slots);
  const releases = new Sorted<Release>(
    (one, other) => one.atMs - other.atMs,
    [...grouped(held, ({ heldUntilMs }) => heldUntilMs ?? 0)].map(([atMs, jobs]) => ({ atMs, jobs })),
  );
  const starts = new Map<string, Start>();
  const ended = (end: End): Simulated => ({ starts, end });
  let nowMs = snapshot.atMs;
  for (;;) {
    while (!snapshot.isPaused && ends.size < snapshot.maxConcurrent) {
      const overdue = line.overdue();
      const next = overdue ?? line.inTurn();
      for (const jobs of line.leftBehind())
        releases.add({ atMs: windowFor(jobs[0]!, nowMs)?.endsAtMs ?? nowMs, jobs });
      if (next === undefined) break;
      if (next === CUT) return ended('cut');
      if (starts.size >= bounds.decisions || line.looks > bounds.looks) return ended('bound');
      yield { job: next, isOverdue: overdue !== undefined, line };
      line.take(next);
      starts.set(next.id, { position: starts.size + 1, atMs: nowMs });
      ends.add({ ...next, claimedAtMs: nowMs, endsAtMs: Math.round(nowMs + next.seconds * 1_000) });
    }
    if (starts.size === choice.jobs.length) return ended(choice.cutLanes?.size ? 'cut' : 'all');
    const atMs = Math.min(ends.first?.endsAtMs ?? Infinity, releases.first?.atMs ?? Infinity);
    if (atMs === Infinity || snapshot.isPaused) return ended('kept');
    if (atMs > untilMs) return ended('bound');
    nowMs = Math.max(nowMs, atMs);
    line.moveTo(momentAt(snapshot, nowMs));
    for (let slot = ends.first; slot && slot.endsAtMs <= nowMs; slot = ends.first) {
      ends.remove(slot);
      line.end(slot, correction(slot, nowMs, policy));
    }
    for (let due = releases.first; due && due.atMs <= nowMs; due = releases.first) {
      releases.remove(due);
      line.join(due.jobs);
    }
  }
}

/** The whole of it, at once. */
export function simulated(scene: Scene, bounds: Bounds = BOUNDS): Simulated {
  const steps = simulate(scene, bounds);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Jobs that come back into the queue when what held them is over. */
interface Release {
  readonly atMs: number;
  readonly jobs: readonly Prospect[];
}

const momentAt = (
  { policy, decisions }: { readonly policy: FairPolicy; readonly decisions: number },
  atMs: number,
): Moment => ({ atMs, halfLives: atMs / 1_000 / policy.halfLifeSeconds, policy, decisions });

/** What it cost beyond what it was charged when it was let in, which weighs less by now. */
const correction = (
  { charge, costs, claimedAtMs }: Slot,
  nowMs: number,
  { halfLifeSeconds }: FairPolicy,
): number => charge * (costs - 1) * 2 ** ((claimedAtMs - nowMs) / 1_000 / halfLifeSeconds);

function split<T>(all: readonly T[], isOne: (one: T) => boolean): [T[], T[]] {
  const [ones, others]: [T[], T[]] = [[], []];
  for (const one of all) (isOne(one) ? ones : others).push(one);
  return [ones, others];
}
