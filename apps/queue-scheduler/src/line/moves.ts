import { Inject, Injectable } from '@nestjs/common';
import { Bus, type Outgoing } from '@lineclear/bus';
import { Clock, CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as jobs from '../db/jobs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as ledger from '../db/ledger.repo.js';
import * as slots from '../db/slots.repo.js';
import { holdsSlot, type Job } from '../domain/job.js';
import { transition, type Fact, type Leases } from '../domain/transition.js';
import { stateEvent } from './job-events.js';
import { Wakes } from './wakes.js';

export interface About {
  readonly jobId: string;
  readonly fact: Fact;
}
interface Change {
  readonly before: Job;
  after: Job;
}

/**
 * The one way in which a stored job changes: rows locked, facts applied by domain/transition.ts, and everything that
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
    const changes = new Map(found.map((job): [string, Change] => [job.id, { before: job, after: job }]));
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
    if (changed.length > 0) await this.#write(tx, changed, said, now, limits);
    return new Map([...changes].map(([id, { after }]) => [id, after]));
  }

  /** Lanes come last: submits, which have not entered, wait for them only. */
  async #write(
    tx: Tx,
    changed: readonly Change[],
    said: readonly Outgoing[],
    now: Date,
    limits: slots.Limits | undefined,
  ): Promise<void> {
    const afters = (some: readonly Change[]): Job[] => some.map(({ after }) => after);
    const taken = changed.filter(({ before, after }) => !holdsSlot(before.state) && holdsSlot(after.state));
    const freed = changed.filter(({ before, after }) => holdsSlot(before.state) && !holdsSlot(after.state));
    const left = changed.filter(({ before, after }) => before.state === 'queued' && after.state !== 'queued');
    const joined = changed.filter(
      ({ before, after }) => before.state !== 'queued' && after.state === 'queued',
    );
    const [saved, full] = await Promise.all([
      jobs.save(tx, afters(changed)),
      taken.length > 0 ? slots.take(tx, countByUser(taken), limits ?? (await slots.limits(tx))) : NOBODY,
      freed.length > 0 && slots.free(tx, countByUser(freed)),
      taken.length > 0 && ledger.reserve(tx, afters(taken), now),
      freed.length > 0 && ledger.settle(tx, afters(freed), now),
      this.bus.publish(tx, ...said),
      lanes.remove(tx, countByLane(left.map(({ before }) => before))),
    ]);
    const places = new Map(saved.map(({ id, ord }) => [id, ord]));
    const open = [...countByUser(freed).keys()].filter((userId) => !full.includes(userId));
    await Promise.all([
      this.queue(
        tx,
        joined.map(({ after }) => ({ job: after, ord: places.get(after.id) ?? 0 })),
      ),
      lanes.markFull(tx, full, true),
      lanes.markFull(tx, open, false),
    ]);
    if (freed.length > 0) tx.afterCommit(() => this.wakes.wake());
  }

  /** Puts jobs that are stored as queued into their lanes, as the last thing of the transaction. */
  async queue(tx: Tx, queued: readonly { readonly job: Job; readonly ord: number }[]): Promise<void> {
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

const NOBODY: number[] = [];
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
