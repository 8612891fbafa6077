import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import type { Config } from '../config.js';
import { forgetTokens } from '../db/reply-tokens.repo.js';
import { expireRequests, forgetMarks } from '../db/requests.repo.js';
import { Decisions } from '../decisions.js';
import { outcomeOf } from '../events/outcome-of-request.js';

export const EXPIRY_QUEUE = 'approval-expiry';
const BATCH = 200;
// A day more than events are kept on the stream.
const MARKS_KEPT_MS = 8 * 86_400_000;
// So long, after it is too late, somebody who answers a mail is still told that it is.
const TOKENS_KEPT_MS = 30 * 86_400_000;

/** Writes expiries down and tells of them. Only the telling depends on it: nothing past its time can be approved anyway. */
@Processor(EXPIRY_QUEUE)
export class ExpireRequests extends Rounds {
  constructor(
    @InjectQueue(EXPIRY_QUEUE) queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) log: Logger,
  ) {
    super({ queue, everyMs: config.APPROVAL_EXPIRY_TICK_SECONDS * 1_000, log });
  }

  override async process(): Promise<void> {
    for (let expired = BATCH; expired === BATCH;) {
      expired = await this.database.tx(async (tx) => {
        const requests = await expireRequests(tx, BATCH, this.clock.now());
        await this.bus.publish(tx, ...requests.map(outcomeOf).filter((told) => told !== undefined));
        return requests.length;
      });
      if (expired > 0) this.decisions.count('expired', expired);
    }
    const nowMs = this.clock.now().getTime();
    await forgetMarks(this.database, new Date(nowMs - MARKS_KEPT_MS));
    await forgetTokens(this.database, new Date(nowMs - TOKENS_KEPT_MS));
  }
}
