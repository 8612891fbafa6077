import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { Health, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import { Orphans } from '../workers/orphans.js';
import { StepRunner } from './step-runner.js';
import { SweepRunner } from './sweep-runner.js';

export const STEPS_QUEUE = 'steps';
const TICK_MS = 1_000;
// The queue may be away or flushed at any time, and its clock with it.
const WATCH_MS = 5_000;

/**
 * The queue's clock: once a second some replica takes the steps and the sweeps that are due, whoever stored them. What is due, and whose it
 * is, stands in Postgres only; where no tick comes, each replica looks for itself, a little later.
 */
@Processor(STEPS_QUEUE)
export class TickProcessor extends Rounds {
  #watch: NodeJS.Timeout | undefined;
  #tickedAtMs = 0;

  constructor(
    private readonly runner: StepRunner,
    private readonly sweeps: SweepRunner,
    private readonly orphans: Orphans,
    @InjectQueue(STEPS_QUEUE) queue: Queue,
    @Inject(LOGGER) log: Logger,
    health: Health,
  ) {
    super({ queue, everyMs: TICK_MS, log });
    health.register({
      name: 'redis',
      essential: false,
      run: async () => void (await queue.getJobSchedulersCount()),
    });
  }

  override async process(): Promise<void> {
    this.#tickedAtMs = performance.now();
    this.#wake();
  }

  override onApplicationBootstrap(): void {
    super.onApplicationBootstrap();
    this.#watch = setInterval(() => {
      if (performance.now() - this.#tickedAtMs >= WATCH_MS) this.#wake();
    }, WATCH_MS);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#watch);
    await super.beforeApplicationShutdown();
  }

  #wake(): void {
    this.runner.wake();
    this.sweeps.wake();
    this.orphans.wake();
  }
}
