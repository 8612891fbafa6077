import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import { pick, type Picked } from '../db/pick.js';
import * as slots from '../db/slots.repo.js';
import { Moves } from './moves.js';
import { Wakes } from './wakes.js';

const BATCH = 200;
const TICK_MS = 1_000;
/** Somebody who asks for it waits for no more than so many batches. */
const MAX_BATCHES = 10;

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
    private readonly bus: Bus,
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

  /** Claims for somebody who asked for it; the jobs that were let in. What is left then the loop goes on with. */
  async claimNow(): Promise<string[]> {
    const claimed: string[] = [];
    for (let batches = 0; batches < MAX_BATCHES; batches += 1) {
      const { jobIds, more } = await this.#claim(true);
      claimed.push(...jobIds);
      if (!more) return claimed;
    }
    this.#wake();
    return claimed;
  }

  #wake(): void {
    this.#woken = true;
    if (this.#running === undefined && !this.#stopped) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#woken && !this.#stopped) {
        this.#woken = false;
        if ((await this.#claim(false)).more) this.#woken = true;
      }
    } catch (error) {
      this.log.warn({ err: error }, 'claiming failed; the next tick tries again');
    } finally {
      this.#running = undefined;
    }
  }

  /** Claims one batch in one transaction. */
  async #claim(isAskedFor: boolean): Promise<Pick<Picked, 'jobIds' | 'more'>> {
    return this.database.tx(async (tx) => {
      const entered = slots.enter(tx);
      const [picked] = await Promise.all([pick(tx, BATCH, this.clock.now()), entered]);
      if (picked.jobIds.length > 0) {
        await this.moves.apply(
          tx,
          picked.jobIds.map((jobId) => ({ jobId, fact: { kind: 'claimed', claimId: randomUUID() } })),
          picked,
        );
        const details = { jobs: picked.jobIds.length };
        if (isAskedFor) await this.bus.publish(tx, audited('queue.processed', { target: 'queue', details }));
      }
      return picked;
    });
  }
}
