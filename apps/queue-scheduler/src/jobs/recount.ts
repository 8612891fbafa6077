import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Database, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import { Counter as Metric } from 'prom-client';
import { COUNTERS, sinceOf, type Counter } from '../db/counters.js';
import * as lanes from '../db/lanes.repo.js';
import * as recount from '../db/recount.repo.js';
import * as slots from '../db/slots.repo.js';
import { Wakes } from '../line/wakes.js';

export const RECOUNT = 'recount';
const DAY_MS = 86_400_000;
const MAX_TOLD = 20;

export interface Repair extends recount.Difference {
  readonly what: string;
}

/** Counts slots, lanes, usage and spending anew from the jobs, at the start and once a day, and puts right what is wrong. */
@Processor(RECOUNT)
export class Recount extends Rounds {
  readonly #repairs: Metric<'what'>;

  constructor(
    @InjectQueue(RECOUNT) queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly wakes: Wakes,
    { registry }: Metrics,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super({ queue, everyMs: DAY_MS, log });
    this.#repairs = new Metric({
      name: 'lineclear_queue_repairs_total',
      help: 'Counters beside the jobs that were found wrong and put right',
      labelNames: ['what'],
      registers: [registry],
    });
    for (const { what } of COUNTERS) this.#repairs.inc({ what }, 0);
  }

  override onApplicationBootstrap(): void {
    super.onApplicationBootstrap();
    void this.soon();
  }

  override async process(): Promise<void> {
    await this.run();
  }

  /** What was wrong, and is not any more. */
  async run(): Promise<Repair[]> {
    const repairs: Repair[] = [];
    for (const counter of COUNTERS) repairs.push(...(await this.#recount(counter)));
    return repairs;
  }

  async #recount(counter: Counter): Promise<Repair[]> {
    const since = sinceOf(this.clock.now());
    // As a rule nothing is wrong, and to find that out nobody has to stand still.
    if ((await recount.differences(this.database, counter, since)).length === 0) return [];
    const found = await this.database.tx(async (tx) => {
      await slots.enter(tx);
      const differences = await recount.repair(tx, counter, since);
      if (differences.length === 0) return differences;
      // What stood still for a wrong figure is looked at again.
      await lanes.reopenAll(tx);
      tx.afterCommit(() => this.wakes.wake());
      const details = { what: counter.what, differences: differences.length };
      await this.bus.publish(tx, audited('queue.repaired', { target: `queue/${counter.what}`, details }));
      return differences;
    });
    if (found.length > 0) {
      this.#repairs.inc({ what: counter.what }, found.length);
      this.log.warn(
        { what: counter.what, differences: found.length, first: found.slice(0, MAX_TOLD) },
        'a counter beside the jobs was wrong and is put right',
      );
    }
    return found.map((difference) => ({ what: counter.what, ...difference }));
  }
}
