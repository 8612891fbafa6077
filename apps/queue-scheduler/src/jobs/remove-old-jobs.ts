import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, jobsKeptSince, Metrics } from '@lineclear/kit';
import { Counter } from 'prom-client';
import type { Config } from '../config.js';
import * as oldJobs from '../db/old-jobs.repo.js';

const MAX_AT_ONCE = 500;

/** Forgets jobs that ended long ago. */
@Injectable()
export class RemoveOldJobs {
  readonly #removed: Counter;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    { registry }: Metrics,
  ) {
    this.#removed = new Counter({
      name: 'lineclear_jobs_removed_total',
      help: 'Jobs that were removed because they ended long ago',
      registers: [registry],
    });
  }

  /** Removes all that are old enough, a few at a time: nobody waits for it. */
  async remove(): Promise<void> {
    const before = jobsKeptSince(this.config.LINECLEAR_JOB_RETENTION_DAYS, this.clock.now());
    if (before === undefined) return;
    while ((await this.#removeSome(before)) === MAX_AT_ONCE);
  }

  async #removeSome(before: Date): Promise<number> {
    const removed = await this.database.tx(async (tx) => {
      const count = await oldJobs.remove(tx, before, MAX_AT_ONCE);
      const details = { removed: count, ended_before: before.toISOString() };
      if (count > 0) await this.bus.publish(tx, audited('jobs.expired', { target: 'jobs', details }));
      return count;
    });
    this.#removed.inc(removed);
    return removed;
  }
}
