import { setTimeout as delay } from 'node:timers/promises';
import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type BeforeApplicationShutdown } from '@nestjs/common';
import { LOGGER, type Logger } from '@lineclear/kit';
import type { Job } from 'bullmq';
import { DELIVER, type DeliverStep } from './delivery-queue.js';
import { SendDelivery } from './send-delivery.js';

/** Many more than one endpoint may have: even several that are slow leave room for the others. */
const AT_ONCE = 100;
/** What is being sent when the service stops may take so long to end; then it is cut off and sent again later. */
const GRACE_MS = 3_000;
/** And so long, after that, to say so to Redis. */
const CUT_AFTER_MS = 1_500;

@Processor(DELIVER, { concurrency: AT_ONCE })
export class DeliverProcessor extends WorkerHost implements BeforeApplicationShutdown {
  /** One per attempt under way. */
  readonly #underWay = new Set<AbortController>();

  constructor(
    private readonly deliveries: SendDelivery,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super();
  }

  override async process(job: Job<DeliverStep>): Promise<void> {
    const stop = new AbortController();
    this.#underWay.add(stop);
    try {
      await this.deliveries.run(job.data.id, stop.signal);
    } finally {
      this.#underWay.delete(stop);
    }
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.log.warn({ err: error }, 'the delivery worker has no Redis');
  }

  /** The step is dropped; its delivery is due again when its hold ends. */
  @OnWorkerEvent('failed')
  onFailed(_job: Job<DeliverStep> | undefined, error: Error): void {
    this.log.warn({ err: error }, 'a delivery step failed; the sweeper adds it again');
  }

  async beforeApplicationShutdown(): Promise<void> {
    const timer = setTimeout(() => this.#underWay.forEach((stop) => stop.abort()), GRACE_MS);
    // To pause is to wait for what runs; without Redis it may wait for ever. Closing by force waits for nothing: a step
    // that is cut off here finds its delivery sent, or sends it, when it is run again.
    await Promise.race([
      this.worker.pause().catch(() => undefined),
      delay(GRACE_MS + CUT_AFTER_MS, undefined, { ref: false }),
    ]);
    clearTimeout(timer);
    await this.worker.close(true);
  }
}
