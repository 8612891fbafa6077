import { Controller, Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, OnEvent } from '@lineclear/bus';
import { approverUnreached, type EventOf } from '@lineclear/contracts';
import { Clock, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { Approvers } from '../approvers.js';
import { insertAbsence } from '../db/absences.repo.js';
import { requestOfToken } from '../db/reply-tokens.repo.js';
import { statusAt } from '../domain/approval-request.js';
import { newlyAsked, whomToAsk } from '../domain/whom-to-ask.js';
import { escalated } from './outcome-of-request.js';

const HOUR_MS = 3_600_000;
/** What such a mail does not say. */
const LASTS_HOURS = { away: 24, bounced: 7 * 24 } as const;

/** Whom an approval mail does not reach counts as away, and others are asked in their place. */
@Controller()
export class NoteUnreached {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly approvers: Approvers,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(approverUnreached)
  async note({ data }: EventOf<typeof approverUnreached>, tx: Tx): Promise<void> {
    const { why, detail, mail_id } = data;
    const found = await requestOfToken(tx, data.token_sha256);
    const who = found && (await this.approvers.known(found.userId));
    if (!found || !who) {
      this.log.info({ mail_id, why }, 'a mail of nobody who is asked came back');
      return;
    }
    const { request } = found;
    const now = this.clock.now();
    const isOpen = statusAt(request, now) === 'pending' && request.awaits === 'approvers';
    const circles = isOpen ? await this.approvers.circlesOf(request) : undefined;
    const absence = await insertAbsence(tx, {
      userId: who.user_id,
      username: who.username,
      orgId: who.org?.id ?? null,
      standInId: null,
      standIn: null,
      startsAt: now,
      endsAt: new Date(now.getTime() + LASTS_HOURS[why] * HOUR_MS),
      reason: detail ?? null,
      source: why === 'away' ? 'auto_reply' : 'bounced',
    });
    const entry = audited('absence.noted', {
      target: `absence/${absence.id}`,
      details: { user_id: who.user_id, why, mail_id, until: absence.endsAt.toISOString() },
    });
    const ask = circles
      ? newlyAsked(
          whomToAsk(circles, request.escalations),
          whomToAsk(
            { ...circles, away: new Map([[who.user_id, undefined], ...circles.away]) },
            request.escalations,
          ),
        )
      : [];
    await this.bus.publish(tx, entry, ...(ask.length > 0 ? [escalated(request, 'unreached', ask)] : []));
  }
}
