import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import { Health, LOGGER, type Logger } from '@lineclear/kit';
import type { Queue } from 'bullmq';

export const DELIVER = 'deliver';
export interface DeliverStep {
  readonly id: string;
}

const MAX_PENDING_ADDS = 50;

/** The queue of deliveries to send: ids only. Postgres knows what is due; what this queue loses is added again. */
@Injectable()
export class DeliveryQueue {
  #pendingAdds = 0;
  #question: Promise<number> | undefined;

  constructor(
    @InjectQueue(DELIVER) private readonly queue: Queue<DeliverStep>,
    @Inject(LOGGER) private readonly log: Logger,
    health: Health,
  ) {
    // Without Redis deliveries are still stored, and sent when it is back.
    health.register({ name: 'redis', essential: false, run: () => this.#mustAnswer() });
    queue.on('error', (error) => this.log.warn({ err: error }, 'the delivery queue has no Redis'));
  }

  /** Adds them, at the latest when Redis is back. */
  async add(deliveries: readonly { id: string; attempts: number }[]): Promise<void> {
    await this.queue.addBulk(
      deliveries.map(({ id, attempts }) => ({
        name: DELIVER,
        data: { id },
        // One step per attempt: adding one that still waits does nothing.
        opts: { jobId: `${id}-${attempts + 1}`, removeOnComplete: true, removeOnFail: true },
      })),
    );
  }

  /** As add, without waiting for it: for after a commit. While Redis is away the sweeper does this work, later. */
  hint(deliveries: readonly { id: string; attempts: number }[]): void {
    if (deliveries.length === 0 || this.#pendingAdds >= MAX_PENDING_ADDS) return;
    this.#pendingAdds += 1;
    this.add(deliveries)
      .catch((error: unknown) => this.log.warn({ err: error }, 'deliveries wait for the sweeper'))
      .finally(() => (this.#pendingAdds -= 1));
  }

  /** Asks Redis something small. While it is away the question waits, so there is one at most. */
  async #mustAnswer(): Promise<void> {
    this.#question ??= this.queue.getWaitingCount().finally(() => (this.#question = undefined));
    await this.#question;
  }
}
