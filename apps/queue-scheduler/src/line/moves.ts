import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Bus, type Outgoing } from '@lineclear/bus';
import { Clock, CONFIG, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import * as dependencies from '../db/dependencies.repo.js';
import * as jobs from '../db/jobs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as ledger from '../db/ledger.repo.js';
import * as pools from '../db/pools.repo.js';
import * as quotas from '../db/quotas.repo.js';
import * as shares from '../db/shares.repo.js';
import * as slots from '../db/slots.repo.js';
import * as usage from '../db/usage.repo.js';
import { isInLine, type Job } from '../domain/job.js';
import { countByHolder, holdersOf } from '../domain/holders.js';
import { ceilingsOf, pickAtOnce, takingsOf, type Taking } from '../domain/pick.js';
import { poolHolds, poolsTaken } from '../domain/pools.js';
import { spendDeltas } from '../domain/provider-spend.js';
import {
  countByLane,
  joiningLanes,
  poolChanges,
  queueChanges,
  type Changed,
} from '../domain/queue-changes.js';
import type { Sharing } from '../domain/share.js';
import { chargesOf } from '../domain/charges.js';
import { transition, type Fact, type Leases } from '../domain/transition.js';
import { summed, usageDeltas } from '../domain/usage.js';
import { bookCosts, costNews, leftOf } from './cost-news.js';
import { attemptFailedEvent, quotaEvent, stateEvent, submittedEvent } from './job-events.js';
import { judgeQuotas } from './judge-quotas.js';
import { quotaNews } from './quota-news.js';
import type { Entering, Outcome } from './submission.js';
import { Wakes } from './wakes.js';

export interface About {
  readonly jobId: string;
  readonly fact: Fact;
}
interface Change extends Changed {
  after: Job;
}

/** What a pick found: the slots that its jobs take. */
export interface Slots extends slots.Ceilings {
  readonly takings: readonly Taking[];
  readonly sharing: Sharing;
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

  /**
   * Applies facts in their order, in a transaction that has entered (with `picked`, as a claim has) or enters now; those
   * that concern no job as it is now do nothing. Answers the jobs after them, by id.
   */
  async apply(tx: Tx, facts: readonly About[], picked?: Slots): Promise<ReadonlyMap<string, Job>> {
    const now = this.clock.now();
    // Statements that do not need each other's answers go out together, and are run in the order of the calls.
    const entered = picked === undefined ? slots.enter(tx) : picked.sharing;
    const [found, sharing] = await Promise.all([
      jobs.lock(tx, [...new Set(facts.map(({ jobId }) => jobId))]),
      entered,
    ]);
    const changes = new Map(found.map((job) => [job.id, { before: job, after: job }]));
    const said: Outgoing[] = [];
    for (const { jobId, fact } of facts) {
      const change = changes.get(jobId);
      const next = change && transition(change.after, fact, now, this.leases);
      if (!change || !next) continue;
      if (next.state === 'queued' && next.attempts.length > change.after.attempts.length)
        said.push(attemptFailedEvent(next));
      if (next.state !== change.after.state)
        said.push(...[stateEvent(next)].filter((event) => event !== undefined));
      change.after = next;
    }
    const changed = [...changes.values()].filter(({ before, after }) => before !== after);
    if (changed.length > 0)
      await this.#follow(tx, changed, jobs.save(tx, afters(changed)), said, now, sharing, picked);
    return new Map([...changes].map(([id, { after }]) => [id, after]));
  }

  /**
   * Stores new jobs in the states in which they enter, but for those that a quota or a cost limit refuses; those that need
   * not queue are claimed with it. Answers what became of each, by its id. @throws KeysTaken when someone else was faster to
   * use idempotency keys of some of them: then nothing of it may be committed.
   */
  async add(tx: Tx, entering: readonly Entering[]): Promise<ReadonlyMap<string, Outcome>> {
    const now = this.clock.now();
    const holders = [...new Set(entering.flatMap(({ job }) => holdersOf(job)))];
    const [, room] = await Promise.all([slots.enter(tx), slots.roomFor(tx, holders, now)]);
    const outcomes = new Map<string, Outcome>();
    const said: Outgoing[] = [];
    let accepted = entering;
    if (room.hasQuotas || room.hasCostLimits) {
      const judged = await judgeQuotas(
        tx,
        entering.map(({ job }) => job),
        now,
      );
      accepted = entering.flatMap((one, index) => {
        const { job, refusal, warnings, told, news } = judged[index]!;
        said.push(...told.map((finding) => quotaEvent(job, finding, refusal !== undefined)), ...news);
        outcomes.set(
          job.id,
          refusal ? { kind: 'over_limit', ...refusal } : { kind: 'accepted', job, warnings },
        );
        return refusal ? [] : [{ ...one, job: this.#leased(job, now) }];
      });
    } else {
      for (const { job } of entering) outcomes.set(job.id, { kind: 'accepted', job, warnings: [] });
    }
    const atOnce = await this.#atOnce(
      tx,
      accepted.map(({ job }) => job),
      room,
    );
    const changes = accepted.map((one) => ({
      ...one,
      before: undefined,
      after: atOnce.jobs.has(one.job) ? this.#claimed(one.job, now) : one.job,
    }));
    for (const { job, after, entry } of changes)
      said.push(
        ...[
          submittedEvent(job),
          stateEvent(job),
          after === job ? undefined : stateEvent(after),
          entry,
        ].filter((event) => event !== undefined),
      );
    if (changes.length > 0)
      await this.#follow(
        tx,
        changes,
        this.#insert(tx, changes),
        said,
        now,
        atOnce.slots.sharing,
        atOnce.slots,
      );
    else await this.bus.publish(tx, ...said);
    return outcomes;
  }

  /** Those of new jobs that need not queue, and the slots that they take. */
  async #atOnce(
    tx: Tx,
    accepted: readonly Job[],
    room: slots.Room,
  ): Promise<{ readonly jobs: ReadonlySet<Job>; readonly slots: Slots }> {
    const { max_concurrent: maxConcurrent, user_max_concurrent: userMaxConcurrent } = room.limits;
    const ceilings = { maxConcurrent, userMaxConcurrent, sharing: room.policy };
    const queued = accepted.filter(isInLine);
    if (queued.length === 0 || room.someoneWaits || room.hasWindows)
      return { jobs: new Set(), slots: { takings: [], ...ceilings } };
    const known = room.hasQuotas ? await quotas.about(tx, quotas.subjectsOf(queued)) : [];
    const waiting = queued.map((job) => ({
      id: job.id,
      job,
      holds: [...ceilingsOf(known, job, userMaxConcurrent), ...poolHolds(room.poolLimits, job)],
    }));
    const held = new Map([...room.taken, ...poolsTaken(room.poolLimits, room.pools)]);
    const taken = pickAtOnce(waiting, room.free, held);
    return {
      jobs: new Set(taken.map(({ job }) => job)),
      slots: { takings: takingsOf(taken), ...ceilings },
    };
  }

  /** A job that was held back after all is asked about as one that nobody had an answer for. */
  #leased(job: Job, now: Date): Job {
    return job.state === 'awaiting_evaluation'
      ? { ...job, leaseUntil: new Date(now.getTime() + this.leases.evaluationSeconds * 1_000) }
      : job;
  }

  async #insert(tx: Tx, added: readonly (Change & jobs.NewJob)[]): Promise<jobs.Place[]> {
    const places = await jobs.insert(
      tx,
      added.map(({ after, key, requestSha256 }) => ({ job: after, key, requestSha256 })),
    );
    const stored = new Set(places.map(({ id }) => id));
    if (stored.size < added.length)
      throw new KeysTaken(new Set(added.map(({ after }) => after.id).filter((id) => !stored.has(id))));
    await dependencies.add(
      tx,
      added.map(({ after }) => after),
    );
    return places;
  }

  #claimed(job: Job, now: Date): Job {
    return transition(job, { kind: 'claimed', claimId: randomUUID() }, now, this.leases) ?? job;
  }

  /** What follows from changes that are written, or will have been by `saved`. The queue comes last. */
  async #follow(
    tx: Tx,
    changed: readonly Change[],
    saving: Promise<jobs.Place[]>,
    said: readonly Outgoing[],
    now: Date,
    sharing: Sharing,
    picked?: Slots,
  ): Promise<void> {
    const { taken, freed, left, joined, endedNow } = queueChanges(changed);
    if (taken.length > 0 && !picked) throw new Error('jobs are claimed by a pick alone');
    const freedJobs = afters(freed);
    const freedBy = countByHolder(freedJobs);
    const used = summed(changed.flatMap(({ before, after }) => usageDeltas(before, after)));
    const charges = changed.flatMap(({ before, after }) => chargesOf(before, after));
    const [saved, full, limits, isFollowed] = await Promise.all([
      saving,
      taken.length > 0 && picked ? slots.take(tx, taken.length, picked.takings, picked) : NOBODY,
      bookCosts(tx, spendDeltas(changed), now),
      dependencies.ended(tx, endedNow),
      freed.length > 0 && slots.free(tx, freed.length, freedBy),
      pools.change(tx, poolChanges([joined, 0], [taken, 1], [freed.map(({ before }) => before), -1])),
      usage.book(tx, used),
      taken.length > 0 && ledger.reserve(tx, taken, now),
      freed.length > 0 && ledger.settle(tx, freedJobs, now),
      this.bus.publish(tx, ...said),
      lanes.remove(tx, countByLane(left)),
      dependencies.drop(tx, endedNow),
    ]);
    const places = new Map(saved.map(({ id, ord }) => [id, ord]));
    const open = freedJobs.map(({ userId }) => userId).filter((userId) => !full.includes(userId));
    const [, , , , released, afforded, aboutCosts, aboutQuotas] = await Promise.all([
      lanes.add(tx, joiningLanes(joined.map((job) => ({ job, ord: places.get(job.id) ?? 0 })))),
      lanes.markFull(tx, full, true),
      lanes.markFull(tx, [...new Set(open)], false),
      shares.charge(tx, charges, sharing, now),
      freed.length > 0 ? lanes.release(tx, [...freedBy.keys()]) : NOBODY,
      freed.length > 0 ? lanes.releaseAffordable(tx, leftOf(limits)) : NOBODY,
      costNews(tx, limits, now),
      quotaNews(tx, freed, now),
    ]);
    await this.bus.publish(tx, ...aboutCosts, ...aboutQuotas);
    const users = [
      ...[...left, ...joined, ...freedJobs].map(({ userId }) => userId),
      ...full,
      ...released,
      ...afforded,
    ];
    const [, waits] = await Promise.all([
      lanes.refresh(tx, [...new Set(users)], [...countByHolder([...taken, ...freedJobs, ...joined]).keys()]),
      freed.length > 0 && lanes.someoneWaits(tx),
    ]);
    if (waits || joined.length > 0 || isFollowed) tx.afterCommit(() => this.wakes.wake());
  }
}

const NOBODY: number[] = [];
const afters = (changes: readonly Change[]): Job[] => changes.map(({ after }) => after);
