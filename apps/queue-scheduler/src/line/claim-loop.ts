import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import { pick } from '../db/pick.js';
import * as slots from '../db/slots.repo.js';
import { Loop } from './loop.js';
import { Moves } from './moves.js';
import { Wakes } from './wakes.js';

const BATCH = 200;

/** Gives free slots to whoever is next. */
@Injectable()
export class ClaimLoop extends Loop {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly moves: Moves,
    wakes: Wakes,
    @Inject(LOGGER) log: Logger,
  ) {
    super(wakes, log, 'claiming');
  }

  protected override async once(): Promise<boolean> {
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
