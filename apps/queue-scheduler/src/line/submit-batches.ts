import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER, isDatabaseAway, type Logger } from '@lineclear/kit';
import { StoreSubmits } from './store-submits.js';
import type { Outcome, Submission } from './submission.js';

interface Waiting {
  readonly submission: Submission;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 64;

/**
 * Submits that arrive together share one question to approvals and one transaction. A single one goes at once; what
 * comes while a batch is under way makes the next one, so that nobody waits for a timer.
 */
@Injectable()
export class SubmitBatches implements OnApplicationShutdown {
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly store: StoreSubmits,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  submit(submission: Submission): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ submission, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Requests read in the same turn of the event loop belong to the same batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#flush(this.#waiting.splice(0, MAX_BATCH));
    this.#running = undefined;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    const first: Waiting[] = [];
    const repeats: Waiting[] = [];
    const keys = new Set<string>();
    for (const waiting of batch) {
      const { key, job } = waiting.submission;
      const name = `${job.userId}/${key}`;
      if (key !== undefined && keys.has(name)) repeats.push(waiting);
      else first.push(waiting);
      keys.add(name);
    }
    await this.#store(first);
    // A repeated key finds its job now.
    for (const repeat of repeats) await this.#store([repeat]);
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.store.store(batch.map(({ submission }) => submission));
      batch.forEach(({ resolve }, index) => resolve(outcomes[index]!));
    } catch (error) {
      if (batch.length === 1 || isDatabaseAway(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      this.log.warn(
        { err: error, submits: batch.length },
        'a batch of submits failed; they are stored one by one',
      );
      for (const one of batch) await this.#store([one]);
    }
  }
}
