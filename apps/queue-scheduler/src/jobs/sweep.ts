import { InjectQueue, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Job as Step, Queue } from 'bullmq';
import type { Config } from '../config.js';
import * as jobs from '../db/jobs.repo.js';
import * as quotas from '../db/quotas.repo.js';
import * as submissions from '../db/submissions.repo.js';
import * as usage from '../db/usage.repo.js';
import { nextLease } from '../domain/lease.js';
import { reminder } from '../line/job-events.js';
import { Moves } from '../line/moves.js';

export const SWEEP = 'sweep';
const MAX_AT_ONCE = 200;
const HOUR_MS = 3_600_000;
// Longer than any month: what is settled late finds its hour.
const USAGE_MS = 100 * 24 * HOUR_MS;
// Redis may have lost the schedule since: it is looked for as often as this many steps.
const RESCHEDULE_EVERY = 2;

/**
 * Reminds whoever owes an answer for a job, and forgets what is too old. It starts nothing itself: a claim that is sent
 * again is the same attempt with the same claim, so that however late both answers come, one run is made.
 */
@Processor(SWEEP)
export class Sweep extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #scheduling = false;

  constructor(
    @InjectQueue(SWEEP) private readonly queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly moves: Moves,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super();
    queue.on('error', (error) => this.onError(error));
  }

  onApplicationBootstrap(): void {
    const everyMs = this.config.LINECLEAR_SWEEP_SECONDS * 1_000;
    void this.#schedule(everyMs);
    this.#timer = setInterval(() => void this.#schedule(everyMs), everyMs * RESCHEDULE_EVERY);
  }

  /** By force: what a sweep leaves the next one does, and without Redis an orderly end would never come. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.worker.close(true);
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.log.warn({ err: error }, 'the sweep has no Redis');
  }

  @OnWorkerEvent('failed')
  onFailed(_step: Step | undefined, error: Error): void {
    this.log.warn({ err: error }, 'a sweep failed; the next one does what it left');
  }

  async #schedule(everyMs: number): Promise<void> {
    if (this.#scheduling) return;
    this.#scheduling = true;
    try {
      const known = await this.queue.getJobScheduler(SWEEP);
      // Making a schedule again puts its next step off: only one that is gone, or has stopped, is made.
      if (known?.next !== undefined && known.next > this.clock.now().getTime() - RESCHEDULE_EVERY * everyMs)
        return;
      const step = { name: SWEEP, opts: { removeOnComplete: 10, removeOnFail: 100 } };
      await this.queue.upsertJobScheduler(SWEEP, { every: Math.ceil(everyMs) }, step);
    } catch (error) {
      this.log.warn({ err: error }, 'the sweep could not be scheduled, trying again');
    } finally {
      this.#scheduling = false;
    }
  }

  override async process(): Promise<void> {
    while ((await this.remind()) === MAX_AT_ONCE);
    const now = this.clock.now();
    await usage.purge(this.database, new Date(now.getTime() - USAGE_MS));
    await quotas.purgeTold(this.database, new Date(now.getTime() - USAGE_MS));
    await submissions.purge(
      this.database,
      now,
      new Date(now.getTime() - this.config.LINECLEAR_IDEMPOTENCY_HOURS * HOUR_MS),
    );
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
