import { InjectQueue, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Health, LOGGER, type Logger } from '@lineclear/kit';
import type { Queue } from 'bullmq';
import { StepRunner } from './step-runner.js';

export const STEPS_QUEUE = 'steps';
const TICK_MS = 1_000;
// The queue may be flushed at any time, and its scheduler with it.
const WATCH_MS = 5_000;

/**
 * The queue's clock: once a second some replica takes the steps that are due, whoever stored them. What is due, and whose it
 * is, stands in Postgres only; a queue that lost everything loses nothing, and gets its tick back.
 */
@Processor(STEPS_QUEUE)
export class TickProcessor extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #watch: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;
  #renewing = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly runner: StepRunner,
    @InjectQueue(STEPS_QUEUE) private readonly queue: Queue,
    @Inject(LOGGER) private readonly log: Logger,
    health: Health,
  ) {
    super();
    queue.on('error', (error) => this.#away(error));
    // Without Redis steps are still taken, a little later.
    health.register({
      name: 'redis',
      essential: false,
      run: async () => void (await queue.getJobSchedulersCount()),
    });
  }

  override async process(): Promise<void> {
    this.#tickedAtMs = performance.now();
    this.runner.wake();
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.#away(error);
  }

  onApplicationBootstrap(): void {
    void this.#upsert();
    this.#watch = setInterval(() => {
      if (performance.now() - this.#tickedAtMs < WATCH_MS) return;
      this.runner.wake();
      void this.#upsert();
    }, WATCH_MS);
  }

  /** A tick needs no finishing, and a shutdown must not wait for a Redis that is away. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#watch);
    await this.worker.close(true);
  }

  async #upsert(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    try {
      await this.queue.upsertJobScheduler(
        'tick',
        { every: TICK_MS },
        { name: 'tick', data: {}, opts: { removeOnComplete: 10, removeOnFail: 10 } },
      );
    } catch (error) {
      this.#away(error as Error);
    } finally {
      this.#renewing = false;
    }
  }

  #away(error: Error): void {
    if (performance.now() - this.#toldAtMs < 30_000) return;
    this.#toldAtMs = performance.now();
    this.log.warn({ err: error }, 'the queue is not reachable; due steps are looked for without it');
  }
}
