import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import { Health, LOGGER, type Logger } from '@lineclear/kit';
import type { Queue } from 'bullmq';

export const DELIVER = 'deliver-due';
/** To send what is due through a channel. */
export interface DeliverStep {
  readonly channelId: number;
}

/** The queue of channels to send through. Postgres knows what is due; what this queue loses is added again. */
@Injectable()
export class DeliveryQueue {
  readonly #hinted = new Set<number>();
  #isAdding = false;
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
  async add(channelIds: readonly number[]): Promise<void> {
    await this.queue.addBulk(
      channelIds.map((channelId) => ({
        name: DELIVER,
        data: { channelId },
        opts: {
          // One that waits is enough; one that has begun may have looked too early, so that another comes after it.
          deduplication: { id: String(channelId), keepLastIfActive: true },
          removeOnComplete: true,
          removeOnFail: true,
        },
      })),
    );
  }

  /** As add, without waiting for it: for after a commit. While Redis is away the sweeper does this work, later. */
  hint(channelIds: readonly number[]): void {
    for (const id of channelIds) this.#hinted.add(id);
    if (!this.#isAdding) void this.#addHinted();
  }

  /** What is hinted at while Redis is told of others is told together. */
  async #addHinted(): Promise<void> {
    this.#isAdding = true;
    try {
      while (this.#hinted.size > 0) {
        const channelIds = [...this.#hinted];
        this.#hinted.clear();
        await this.add(channelIds);
      }
    } catch (error) {
      this.log.warn({ err: error }, 'deliveries wait for the sweeper');
    } finally {
      this.#isAdding = false;
    }
  }

  /** Asks Redis something small. While it is away the question waits, so there is one at most. */
  async #mustAnswer(): Promise<void> {
    this.#question ??= this.queue.getWaitingCount().finally(() => (this.#question = undefined));
    await this.#question;
  }
}
