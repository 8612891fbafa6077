import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import { pick } from '../db/pick.js';
import * as slots from '../db/slots.repo.js';
import { Moves } from './moves.js';
import { Wakes } from './wakes.js';

const BATCH = 200;
const TICK_MS = 1_000;

/** Gives free slots to whoever is next, batch after batch for as long as there is someone; woken by commits and by a tick. */
@Injectable()
export class ClaimLoop implements OnApplicationBootstrap, OnApplicationShutdown {
  #woken = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly moves: Moves,
    private readonly wakes: Wakes,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.wakes.listen(() => this.#wake());
    this.#tick = setInterval(() => this.#wake(), TICK_MS);
    this.#wake();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    this.wakes.listen(undefined);
    clearInterval(this.#tick);
    await this.#running;
  }

  #wake(): void {
    this.#woken = true;
    if (this.#running === undefined && !this.#stopped) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#woken && !this.#stopped) {
        this.#woken = false;
        if (await this.#claim()) this.#woken = true;
      }
    } catch (error) {
      this.log.warn({ err: error }, 'claiming failed; the next tick tries again');
    } finally {
      this.#running = undefined;
    }
  }

  /** Claims one batch in one transaction; true when the next look may find more. */
  async #claim(): Promise<boolean> {
    return this.database.tx(async (tx) => {
      const entered = slots.enter(tx);
      const [picked] = await Promise.all([pick(tx, BATCH, this.clock.now()), entered]);
      if (picked.jobIds.length > 0) {
        await this.moves.apply(
          tx,
          picked.jobIds.map((jobId) => ({ jobId, fact: { kind: 'claimed', claimId: randomUUID() } })),
          picked,
        );
      }
      return picked.more;
    });
  }
}
