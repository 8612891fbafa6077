import { setTimeout as delay } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { RotateKeys } from '../channels/rotate-keys.js';
import type { Config } from '../config.js';
import { dueChannels } from '../db/attempts.repo.js';
import { forgetOld } from '../db/deliveries.repo.js';
import { forgetEndpoints } from '../db/endpoints.repo.js';
import { forgetOldSkips } from '../db/event-skips.repo.js';
import { forgetReceived } from '../db/mailboxes.repo.js';
import { forgetSilences } from '../db/silences.repo.js';
import { forgetShortLived } from '../db/slack-links.repo.js';
import { forgetOldOutcomes, forgetOldQuestions } from '../db/slack-questions.repo.js';
import { forgetOldThreads } from '../db/slack-threads.repo.js';
import { DeliveryQueue } from './delivery-queue.js';
import { untilStopped } from './until-stopped.js';

const TICK_MS = 500;
const FORGET_EVERY_MS = 3_600_000;
const FORGET_BATCH = 5_000;
/** Webhooks whose old keys are forgotten in one go. */
const FORGET_KEYS = 100;
const FORGET_SLACK = [forgetOldThreads, forgetOldQuestions, forgetOldOutcomes];

/** Hands channels with something due to the queue: retries whose time has come, and whatever Redis lost or a dead process held. */
@Injectable()
export class SweepDue implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #forgotAtMs = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly queue: DeliveryQueue,
    private readonly keys: RotateKeys,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#run(this.#stop.signal);
  }

  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#tick(stop);
      } catch (error) {
        this.log.warn({ err: error }, 'could not look for due deliveries; trying again');
      }
      await delay(TICK_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async #tick(stop: AbortSignal): Promise<void> {
    const due = await dueChannels(this.database);
    // Without Redis an add waits for ever; stopping does not.
    if (due.length > 0) await untilStopped(this.queue.add(due), stop);
    if (performance.now() - this.#forgotAtMs < FORGET_EVERY_MS) return;
    this.#forgotAtMs = performance.now();
    await this.keys.forgetEnded(FORGET_KEYS);
    await forgetEndpoints(this.database);
    await forgetShortLived(this.database);
    for (const forget of [forgetOld, forgetOldSkips, forgetReceived, forgetSilences, ...FORGET_SLACK]) {
      while (
        !stop.aborted &&
        (await forget(this.database, this.config.DELIVERY_RETENTION_DAYS, FORGET_BATCH)) === FORGET_BATCH
      );
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
