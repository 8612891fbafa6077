import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import type { Config } from '../config.js';
import * as costs from '../db/costs.repo.js';
import * as etas from '../db/etas.repo.js';
import * as jobs from '../db/jobs.repo.js';
import * as maintenance from '../db/maintenance.repo.js';
import * as quotas from '../db/quotas.repo.js';
import * as submissions from '../db/submissions.repo.js';
import * as usage from '../db/usage.repo.js';
import { nextLease } from '../domain/lease.js';
import { reminder } from '../line/job-events.js';
import { Moves } from '../line/moves.js';
import { RemoveOldJobs } from './remove-old-jobs.js';

export const SWEEP = 'sweep';
const MAX_AT_ONCE = 200;
const HOUR_MS = 3_600_000;
// Longer than any month: what is settled late finds its hour.
const USAGE_MS = 100 * 24 * HOUR_MS;

/**
 * Reminds whoever owes an answer for a job, and forgets what is too old. It starts nothing itself: a claim that is sent
 * again is the same attempt with the same claim, so that however late both answers come, one run is made.
 */
@Processor(SWEEP)
export class Sweep extends Rounds {
  constructor(
    @InjectQueue(SWEEP) queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly moves: Moves,
    private readonly oldJobs: RemoveOldJobs,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super({ queue, everyMs: config.LINECLEAR_SWEEP_SECONDS * 1_000, log });
  }

  override async process(): Promise<void> {
    while ((await this.remind()) === MAX_AT_ONCE);
    const now = this.clock.now();
    await usage.purge(this.database, new Date(now.getTime() - USAGE_MS));
    await maintenance.purge(this.database, new Date(now.getTime() - USAGE_MS));
    await costs.purge(this.database, new Date(now.getTime() - USAGE_MS));
    await quotas.purgeTold(this.database, new Date(now.getTime() - USAGE_MS));
    await etas.purge(this.database, new Date(now.getTime() - USAGE_MS));
    await submissions.purge(
      this.database,
      now,
      new Date(now.getTime() - this.config.LINECLEAR_IDEMPOTENCY_HOURS * HOUR_MS),
    );
    await this.oldJobs.remove();
  }

  /** Sends reminders for jobs whose lease ran out; how many. */
  async remind(): Promise<number> {
    const now = this.clock.now();
    return this.database.tx(async (tx) => {
      const silent = await jobs.lockSilent(tx, now, MAX_AT_ONCE);
      if (silent.length === 0) return 0;
      await jobs.save(
        tx,
        silent.map((job) => ({ ...job, leaseUntil: nextLease(job, now, this.moves.leases) })),
      );
      await this.bus.publish(tx, ...silent.map(reminder).filter((event) => event !== undefined));
      this.log.info({ jobs: silent.length }, 'nothing was heard of jobs for too long: asked again');
      return silent.length;
    });
  }
}
