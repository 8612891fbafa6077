import { Inject, Injectable } from '@nestjs/common';
import { Clock, Database, LOGGER, type Logger } from '@lineclear/kit';
import * as dependencies from '../db/dependencies.repo.js';
import * as jobs from '../db/jobs.repo.js';
import * as slots from '../db/slots.repo.js';
import { Loop } from './loop.js';
import { Moves, type About } from './moves.js';
import { Wakes } from './wakes.js';

const BATCH = 200;

/** Puts jobs into the queue whose time has come: the pause before another attempt is over, or what they follow has ended. */
@Injectable()
export class DueLoop extends Loop {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly moves: Moves,
    wakes: Wakes,
    @Inject(LOGGER) log: Logger,
  ) {
    super(wakes, log, 'looking for jobs whose time has come');
  }

  protected override async once(): Promise<boolean> {
    const now = this.clock.now();
    // As a rule there is nothing, and to find that out nobody has to stand still.
    const [rested, isDue] = await Promise.all([
      jobs.rested(this.database, now, BATCH),
      dependencies.areDue(this.database),
    ]);
    if (rested.length === 0 && !isDue) return false;
    return this.database.tx(async (tx) => {
      await slots.enter(tx);
      const settled = await dependencies.take(tx, BATCH);
      const facts: About[] = [
        ...rested.map((jobId): About => ({ jobId, fact: { kind: 'due' } })),
        ...settled.map(({ jobId, ...dependency }): About => ({
          jobId,
          fact: { kind: 'followed_ended', ...dependency },
        })),
      ];
      await this.moves.apply(tx, facts);
      return rested.length === BATCH || settled.length === BATCH;
    });
  }
}
