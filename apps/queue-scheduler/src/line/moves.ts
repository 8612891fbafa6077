import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Bus, type Outgoing } from '@lineclear/bus';
import { Clock, CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as jobs from '../db/jobs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as ledger from '../db/ledger.repo.js';
import * as slots from '../db/slots.repo.js';
import { holdsSlot, type Job } from '../domain/job.js';
import { pickAtOnce, type Ceilings } from '../domain/pick.js';
import { transition, type Fact, type Leases } from '../domain/transition.js';
import { stateEvent, submittedEvent } from './job-events.js';
import { Wakes } from './wakes.js';

export interface About {
  readonly jobId: string;
  readonly fact: Fact;
}
interface Change {
  /** Nothing, for a job that is new. */
  readonly before: Job | undefined;
  after: Job;
}

/** Idempotency keys of these jobs were used by others a moment ago. */
export class KeysTaken extends Error {
  override readonly name = 'KeysTaken';

  constructor(readonly jobIds: ReadonlySet<string>) {
    super(`the idempotency keys of ${jobIds.size} jobs are taken`);
  }
}

/**
 * The one way in which jobs are stored and change: rows locked, facts applied by domain/transition.ts, and everything that
 * follows from it (queue, slots, money, events) in the same transaction, with a few statements however many there are.
 */
@Injectable()
export class Moves {
  readonly leases: Leases;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly wakes: Wakes,
    @Inject(CONFIG) config: Config,
  ) {
    this.leases = {
      evaluationSeconds: config.LINECLEAR_EVALUATION_LEASE_SECONDS,
      dispatchSeconds: config.LINECLEAR_DISPATCH_LEASE_SECONDS,
      runSeconds: config.LINECLEAR_RUN_LEASE_SECONDS,
    };
  }

  /** Applies facts in their order, in a transaction that has entered (with `limits`, as a claim has) or enters now; those that concern no job as it is now do nothing. Answers the jobs after them, by id. */
  async apply(tx: Tx, facts: readonly About[], limits?: slots.Limits): Promise<ReadonlyMap<string, Job>> {
    const now = this.clock.now();
    // Statements that do not need each other's answers go out together, and are run in the order of the calls.
    const entered = limits === undefined ? slots.enter(tx) : undefined;
    const [found] = await Promise.all([
      jobs.lock(tx, [...new Set(facts.map(({ jobId }) => jobId))]),
      entered,
    ]);
    const changes = new Map(found.map((job) => [job.id, { before: job, after: job }]));
    const said: Outgoing[] = [];
    for (const { jobId, fact } of facts) {
      const change = changes.get(jobId);
      const next = change && transition(change.after, fact, now, this.leases);
      if (!change || !next) continue;
      if (next.state !== change.after.state)
        said.push(...[stateEvent(next)].filter((event) => event !== undefined));
      change.after = next;
    }
    const changed = [...changes.values()].filter(({ before, after }) => before !== after);
    if (changed.length > 0)
      await this.#follow(tx, changed, jobs.save(tx, afters(changed)), said, now, limits);
    return new Map([...changes].map(([id, { after }]) => [id, after]));
  }

  /**
   * Stores new jobs in the states in which they enter; those that need not queue are claimed with it. @throws KeysTaken when
   * someone else was faster to use idempotency keys of some of them: then nothing of it may be committed.
   */
  async add(tx: Tx, entering: readonly jobs.NewJob[]): Promise<void> {
    const now = this.clock.now();
    const queued = entering.map(({ job }) => job).filter(({ state }) => state === 'queued');
    const [, { limits, taken, someoneWaits }] = await Promise.all([
      slots.enter(tx),
      slots.roomFor(tx, [...new Set(queued.map(({ userId }) => userId))]),
    ]);
    const atOnce = new Set(someoneWaits ? [] : pickAtOnce(queued, ceilingsOf(limits), taken));
    const changes = entering.map((one) => ({
      ...one,
      before: undefined,
      after: atOnce.has(one.job) ? this.#claimed(one.job, now) : one.job,
    }));
    const said = changes.flatMap(({ job, after }) => [
      submittedEvent(job),
      stateEvent(job),
      after === job ? undefined : stateEvent(after),
    ]);
    await this.#follow(
      tx,
      changes,
      this.#insert(tx, changes),
      said.filter((event) => event !== undefined),
      now,
      limits,
    );
  }

  async #insert(tx: Tx, added: readonly (Change & jobs.NewJob)[]): Promise<jobs.Place[]> {
    const places = await jobs.insert(
      tx,
      added.map(({ after, key, requestSha256 }) => ({ job: after, key, requestSha256 })),
    );
    const stored = new Set(places.map(({ id }) => id));
    if (stored.size < added.length)
      throw new KeysTaken(new Set(added.map(({ after }) => after.id).filter((id) => !stored.has(id))));
    return places;
  }

  #claimed(job: Job, now: Date): Job {
    return transition(job, { kind: 'claimed', claimId: randomUUID() }, now, this.leases) ?? job;
  }

  /** What follows from changes that are written, or will have been by `saved`. Lanes come last. */
  async #follow(
    tx: Tx,
    changed: readonly Change[],
    saving: Promise<jobs.Place[]>,
    said: readonly Outgoing[],
    now: Date,
    limits: slots.Limits | undefined,
  ): Promise<void> {
    const taken = changed.filter(({ before, after }) => !hasSlot(before) && hasSlot(after));
    const freed = changed.filter(({ before, after }) => hasSlot(before) && !hasSlot(after));
    const left = changed.flatMap(({ before, after }) =>
      before && isQueued(before) && !isQueued(after) ? [before] : [],
    );
    const joined = changed.filter(({ before, after }) => !isQueued(before) && isQueued(after));
    const [saved, full] = await Promise.all([
      saving,
      taken.length > 0 ? slots.take(tx, countByUser(taken), limits ?? (await slots.limits(tx))) : NOBODY,
      freed.length > 0 && slots.free(tx, countByUser(freed)),
      taken.length > 0 && ledger.reserve(tx, afters(taken), now),
      freed.length > 0 && ledger.settle(tx, afters(freed), now),
      this.bus.publish(tx, ...said),
      lanes.remove(tx, countByLane(left)),
    ]);
    const places = new Map(saved.map(({ id, ord }) => [id, ord]));
    const open = [...countByUser(freed).keys()].filter((userId) => !full.includes(userId));
    const [, , , waits] = await Promise.all([
      this.#queue(
        tx,
        joined.map(({ after }) => ({ job: after, ord: places.get(after.id) ?? 0 })),
      ),
      lanes.markFull(tx, full, true),
      lanes.markFull(tx, open, false),
      freed.length > 0 && lanes.someoneWaits(tx),
    ]);
    if (waits) tx.afterCommit(() => this.wakes.wake());
  }

  /** Puts jobs that are stored as queued into their lanes. */
  async #queue(tx: Tx, queued: readonly { readonly job: Job; readonly ord: number }[]): Promise<void> {
    if (queued.length === 0) return;
    const heads = new Map<string, number>();
    for (const { job, ord } of queued)
      heads.set(laneOf(job), Math.min(ord, heads.get(laneOf(job)) ?? Infinity));
    const counts = countByLane(queued.map(({ job }) => job));
    await lanes.add(
      tx,
      counts.map((lane) => ({ ...lane, headOrd: heads.get(laneOf(lane)) ?? 0 })),
    );
    tx.afterCommit(() => this.wakes.wake());
  }
}

const ceilingsOf = ({ max_concurrent, user_max_concurrent }: slots.Limits): Ceilings => ({
  maxConcurrent: max_concurrent,
  userMaxConcurrent: user_max_concurrent,
});
const NOBODY: number[] = [];
const hasSlot = (job: Job | undefined): boolean => job !== undefined && holdsSlot(job.state);
const isQueued = (job: Job | undefined): boolean => job?.state === 'queued';
const afters = (changes: readonly Change[]): Job[] => changes.map(({ after }) => after);
const laneOf = ({ userId, band }: { userId: number; band: number }): string => `${userId}/${band}`;

function countByUser(changes: readonly Change[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { after } of changes) counts.set(after.userId, (counts.get(after.userId) ?? 0) + 1);
  return counts;
}

function countByLane(moved: readonly Job[]): lanes.LaneChange[] {
  const counts = new Map<string, { userId: number; band: number; jobs: number }>();
  for (const { userId, band } of moved) {
    const lane = counts.get(laneOf({ userId, band })) ?? { userId, band, jobs: 0 };
    lane.jobs += 1;
    counts.set(laneOf({ userId, band }), lane);
  }
  return [...counts.values()];
}
