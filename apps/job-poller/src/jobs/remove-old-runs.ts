import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, jobsKeptSince, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import { Counter } from 'prom-client';
import type { Config } from '../config.js';
import { RunsRepo } from '../db/runs.repo.js';

export const OLD_RUNS_QUEUE = 'old-runs';
// With their logs they are up to 5 MB each.
const MAX_AT_ONCE = 50;
const EVERY_MS = 60_000;

/** Forgets runs that ended long ago, with their logs. */
@Processor(OLD_RUNS_QUEUE)
export class RemoveOldRuns extends Rounds {
  readonly #removed: Counter;

  constructor(
    @InjectQueue(OLD_RUNS_QUEUE) queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly runs: RunsRepo,
    { registry }: Metrics,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) log: Logger,
  ) {
    super({ queue, everyMs: EVERY_MS, log });
    this.#removed = new Counter({
      name: 'lineclear_runs_removed_total',
      help: 'Runs that were removed because they ended long ago',
      registers: [registry],
    });
  }

  override async process(): Promise<void> {
    const before = jobsKeptSince(this.config.LINECLEAR_JOB_RETENTION_DAYS, this.clock.now());
    if (before === undefined) return;
    while ((await this.#removeSome(before)) === MAX_AT_ONCE);
  }

  async #removeSome(before: Date): Promise<number> {
    const removed = await this.database.tx(async (tx) => {
      const count = await this.runs.remove(tx, before, MAX_AT_ONCE);
      const details = { removed: count, ended_before: before.toISOString() };
      if (count > 0) await this.bus.publish(tx, audited('runs.expired', { target: 'runs', details }));
      return count;
    });
    this.#removed.inc(removed);
    return removed;
  }
}
