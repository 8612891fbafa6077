import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import type { Config } from '../config.js';
import { WorkerTasksRepo } from '../db/worker-tasks.repo.js';
import { TaskArrivals } from './task-arrivals.js';

/** Looks after tasks whose workers do not say anything: what none has begun goes to another, what the house gave up is over. */
@Injectable()
export class Orphans {
  #looking = false;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly tasks: WorkerTasksRepo,
    private readonly arrivals: TaskArrivals,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  wake(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#look()
      .catch((error: unknown) => this.log.warn({ err: error }, 'orphaned tasks could not be looked for'))
      .finally(() => (this.#looking = false));
  }

  async #look(): Promise<void> {
    await this.database.tx(async (tx) => {
      await this.tasks.endForgotten(tx);
      const orphans = await this.tasks.putBackOrphans(
        tx,
        this.config.LINECLEAR_WORKER_OFFLINE_SECONDS * 1_000,
      );
      for (const { jobId, state, provider } of orphans) {
        const details = { provider, now: state };
        await this.bus.publish(tx, audited('worker.task_put_back', { target: `job/${jobId}`, details }));
        tx.afterCommit(() => this.arrivals.wake(provider));
      }
    });
  }
}
