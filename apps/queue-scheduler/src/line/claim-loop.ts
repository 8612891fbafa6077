import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import { pick, type Picked } from '../db/pick.js';
import * as slots from '../db/slots.repo.js';
import { Loop } from './loop.js';
import { Moves } from './moves.js';
import { Wakes } from './wakes.js';

const BATCH = 200;
/** Somebody who asks for it waits for no more than so many batches. */
const MAX_BATCHES = 10;

/** Gives free slots to whoever is next. */
@Injectable()
export class ClaimLoop extends Loop {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly moves: Moves,
    private readonly bus: Bus,
    wakes: Wakes,
    @Inject(LOGGER) log: Logger,
  ) {
    super(wakes, log, 'claiming');
  }

  /** Claims for somebody who asked for it; the jobs that were let in. What is left then the loop goes on with. */
  async claimNow(): Promise<string[]> {
    const claimed: string[] = [];
    for (let batches = 0; batches < MAX_BATCHES; batches += 1) {
      const { jobIds, more } = await this.#claim(true);
      claimed.push(...jobIds);
      if (!more) return claimed;
    }
    this.wake();
    return claimed;
  }

  protected override async once(): Promise<boolean> {
    return (await this.#claim(false)).more;
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
