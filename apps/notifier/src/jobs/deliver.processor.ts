import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type BeforeApplicationShutdown } from '@nestjs/common';
import { LOGGER, type Logger } from '@lineclear/kit';
import type { Job } from 'bullmq';
import { ChannelSenders } from './channel-senders.js';
import { DELIVER, type DeliverStep } from './delivery-queue.js';

const AT_ONCE = 10;

@Processor(DELIVER, { concurrency: AT_ONCE })
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
