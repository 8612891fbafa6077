import { InjectQueue, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { Queue, type Job } from 'bullmq';
import type { Config } from '../config.js';
import { expireRequests, forgetMarks } from '../db/requests.repo.js';
import { Decisions } from '../decisions.js';
import { outcomeOf } from '../events/outcome-of-request.js';

export const EXPIRY_QUEUE = 'approval-expiry';
const TICK = 'expiry-tick';
const BATCH = 200;
// A day more than events are kept on the stream.
const MARKS_KEPT_MS = 8 * 86_400_000;

/** Writes expiries down and tells of them. Only the telling depends on it: nothing past its time can be approved anyway. */
@Processor(EXPIRY_QUEUE)
export class ExpireRequests extends WorkerHost implements BeforeApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super();
  }

  override async process(): Promise<void> {
    for (let expired = BATCH; expired === BATCH;) {
      expired = await this.database.tx(async (tx) => {
        const requests = await expireRequests(tx, BATCH, this.clock.now());
        await this.bus.publish(tx, ...requests.map(outcomeOf).filter((told) => told !== undefined));
        return requests.length;
      });
      if (expired > 0) this.decisions.count('expired', expired);
    }
    await forgetMarks(this.database, new Date(this.clock.now().getTime() - MARKS_KEPT_MS));
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.log.warn({ err: error }, 'the expiry tick has no Redis');
  }

  @OnWorkerEvent('failed')
  onFailed(_tick: Job | undefined, error: Error): void {
    this.log.warn({ err: error }, 'expiries could not be written down; the next tick does it');
  }

  /** By force: what a tick leaves the next one does, and without Redis an orderly end would never come. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.close(true);
  }
}

/** Keeps the tick in Redis, also after Redis lost everything. */
@Injectable()
export class ExpirySchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #waiting = false;

  constructor(
    @InjectQueue(EXPIRY_QUEUE) private readonly queue: Queue,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    queue.on('error', (error) => this.log.warn({ err: error }, 'the schedule of expiries has no Redis'));
  }

  onApplicationBootstrap(): void {
    // Not awaited: without Redis the service still opens and decides requests.
    this.#ensure(() => this.#schedule());
    this.#timer = setInterval(
      () => this.#ensure(() => this.#scheduleIfLost()),
      this.config.APPROVAL_EXPIRY_TICK_SECONDS * 1_000,
    );
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  #ensure(schedule: () => Promise<void>): void {
    // A missing Redis is waited for; one who waits is enough.
    if (this.#waiting) return;
    this.#waiting = true;
    schedule()
      .catch((error: unknown) =>
        this.log.warn({ err: error }, 'the expiry tick could not be scheduled; it is tried again'),
      )
      .finally(() => {
        this.#waiting = false;
      });
  }

  /** Not simply set anew: that would push the next tick away each time. */
  async #scheduleIfLost(): Promise<void> {
    if (!(await this.queue.getJobScheduler(TICK))) await this.#schedule();
  }

  async #schedule(): Promise<void> {
    await this.queue.upsertJobScheduler(
      TICK,
      { every: this.config.APPROVAL_EXPIRY_TICK_SECONDS * 1_000 },
      { name: TICK, opts: { removeOnComplete: true, removeOnFail: 20 } },
    );
  }
}
