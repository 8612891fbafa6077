import { OnWorkerEvent, WorkerHost } from '@nestjs/bullmq';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Logger } from './logger.js';

/** Redis may have lost the schedule since: it is looked for as often as this many rounds. */
const LOOK_EVERY = 2;
const TELL_EVERY_MS = 30_000;

export interface RoundsOptions {
  readonly queue: Queue;
  readonly everyMs: number;
  readonly log: Logger;
}

/**
 * Work that comes round by a clock in Redis, for `@Processor(NAME)`: of all replicas one does a round. What is to be done
 * stands in Postgres alone, so that a Redis that is away, or lost everything, makes it late and loses nothing.
 */
export abstract class Rounds extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #queue: Queue;
  readonly #everyMs: number;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #scheduling = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor({ queue, everyMs, log }: RoundsOptions) {
    super();
    this.#queue = queue;
    this.#everyMs = everyMs;
    this.#log = log;
    queue.on('error', (error) => this.onError(error));
  }

  /** Does what has come due. What it leaves undone the next round does. */
  abstract override process(): Promise<void>;

  onApplicationBootstrap(): void {
    // Not awaited: a service opens without Redis too.
    void this.#schedule();
    this.#timer = setInterval(() => void this.#schedule(), this.#everyMs * LOOK_EVERY);
  }

  /** By force: what a round leaves the next one does, and without Redis an orderly end would never come. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.worker.close(true);
  }

  /** Does not wait for the next round. */
  async soon(): Promise<void> {
    // What Redis does not take now, the next round does.
    await this.#queue
      .add(this.#queue.name, {}, { removeOnComplete: true, removeOnFail: 20 })
      .catch((error: unknown) => this.onError(error as Error));
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    if (performance.now() - this.#toldAtMs < TELL_EVERY_MS) return;
    this.#toldAtMs = performance.now();
    this.#log.warn({ err: error, rounds: this.#queue.name }, 'rounds have no Redis; they come later');
  }

  @OnWorkerEvent('failed')
  onFailed(_round: unknown, error: Error): void {
    this.#log.warn(
      { err: error, rounds: this.#queue.name },
      'a round failed; the next one does what it left',
    );
  }

  async #schedule(): Promise<void> {
    // One that waits for Redis is enough.
    if (this.#scheduling) return;
    this.#scheduling = true;
    const { name } = this.#queue;
    try {
      const known = await this.#queue.getJobScheduler(name);
      // Making a schedule again puts its next round off: only one that is gone, or has stopped, is made.
      if (known?.next !== undefined && known.next > Date.now() - LOOK_EVERY * this.#everyMs) return;
      const round = { name, opts: { removeOnComplete: 10, removeOnFail: 20 } };
      await this.#queue.upsertJobScheduler(name, { every: Math.ceil(this.#everyMs) }, round);
    } catch (error) {
      this.onError(error as Error);
    } finally {
      this.#scheduling = false;
    }
  }
}
