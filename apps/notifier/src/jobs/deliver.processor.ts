import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type BeforeApplicationShutdown } from '@nestjs/common';
import { LOGGER, type Logger } from '@lineclear/kit';
import type { Job } from 'bullmq';
import { ChannelSenders } from './channel-senders.js';
import { DELIVER, type DeliverStep } from './delivery-queue.js';

const AT_ONCE = 10;
/**
 * A step takes milliseconds. One that its worker died over keeps the channel's next ones back until its lock has run out and
 * the check after that has found it: so long, and not for a minute as BullMQ has it.
 */
const LOCK_MS = 5_000;
const CHECK_EVERY_MS = 2_000;

@Processor(DELIVER, { concurrency: AT_ONCE, lockDuration: LOCK_MS, stalledInterval: CHECK_EVERY_MS })
export class DeliverProcessor extends WorkerHost implements BeforeApplicationShutdown {
  constructor(
    private readonly senders: ChannelSenders,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super();
  }

  override process(job: Job<DeliverStep>): Promise<void> {
    this.senders.wake(job.data.channelId);
    return Promise.resolve();
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.log.warn({ err: error }, 'the delivery worker has no Redis');
  }

  async beforeApplicationShutdown(): Promise<void> {
    // By force: a step that Redis is not told the end of is done again, and without Redis an orderly end would never come.
    await this.worker.close(true);
    await this.senders.stop();
  }
}
