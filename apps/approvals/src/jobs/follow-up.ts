import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, Database, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import type { Config } from '../config.js';
import { Approvers } from '../approvers.js';
import { forgetAbsences } from '../db/absences.repo.js';
import { forgetTokens } from '../db/reply-tokens.repo.js';
import { escalate, expireRequests, remindOf, remindOfReviews, toEscalate } from '../db/due-requests.repo.js';
import { forgetMarks } from '../db/requests.repo.js';
import { settingsNow } from '../db/settings.repo.js';
import { Decisions } from '../decisions.js';
import { newlyAsked, whomToAsk } from '../domain/whom-to-ask.js';
import { bypassed, escalated, outcomeOf, reminderOf } from '../events/outcome-of-request.js';

export const FOLLOW_UP = 'follow-up';
const BATCH = 200;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
// A day more than events are kept on the stream.
const MARKS_KEPT_MS = 8 * 86_400_000;
// So long, after it is too late, somebody who answers a mail is still told that it is.
const TOKENS_KEPT_MS = 30 * 86_400_000;

/**
 * Reminds of requests that wait, writes expiries down, and tells of them. Only the telling depends on it: nothing past its time
 * can be approved anyway.
 */
@Processor(FOLLOW_UP)
export class FollowUp extends Rounds {
  constructor(
    @InjectQueue(FOLLOW_UP) queue: Queue,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
    @Inject(CONFIG) private readonly config: Config,
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
    // The last one that is due, and none before it that was missed.
    for (const [index, hours] of [...this.config.APPROVAL_REMIND_AFTER_HOURS.entries()].toReversed())
      while ((await this.#remind(index + 1, hours)) === BATCH);
    await this.#escalate();
    while ((await this.#remindOfReviews()) === BATCH);
    const nowMs = this.clock.now().getTime();
    await forgetMarks(this.database, new Date(nowMs - MARKS_KEPT_MS));
    await forgetTokens(this.database, new Date(nowMs - TOKENS_KEPT_MS));
    await forgetAbsences(this.database, new Date(nowMs - TOKENS_KEPT_MS));
  }

  #remind(number: number, hours: number): Promise<number> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const openedBy = new Date(now.getTime() - hours * HOUR_MS);
      const requests = await remindOf(tx, number, openedBy, BATCH, now);
      await this.bus.publish(tx, ...requests.map((request) => reminderOf(request, number)));
      return requests.length;
    });
  }

  #remindOfReviews(): Promise<number> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const toldBy = new Date(now.getTime() - DAY_MS);
      const due = await remindOfReviews(tx, toldBy, BATCH, now);
      await this.bus.publish(tx, ...due.map(({ request, number }) => bypassed(request, number)));
      return due.length;
    });
  }

  /** Asks the next circle of people about what those before did not decide. */
  async #escalate(): Promise<void> {
    const { escalation } = await settingsNow(this.database);
    for (const [index, { after_hours }] of [...escalation.entries()].toReversed()) {
      const number = index + 1;
      const now = this.clock.now();
      const askedBy = new Date(now.getTime() - after_hours * HOUR_MS);
      for (const request of await toEscalate(this.database, number, askedBy, BATCH, now)) {
        // Asked before anything is held: others would wait for the answer too.
        const circles = await this.approvers.circlesOf(request);
        const ask = newlyAsked(whomToAsk(circles, request.escalations), whomToAsk(circles, number));
        await this.database.tx(async (tx) => {
          if ((await escalate(tx, request, number)) && ask.length > 0)
            await this.bus.publish(tx, escalated(request, 'time', ask));
        });
      }
    }
  }
}
