import { Inject, Injectable } from '@nestjs/common';
import { replyReceived } from '@lineclear/contracts';
import { Bus, event, newEventId } from '@lineclear/bus';
import { Database, LOGGER, type Logger } from '@lineclear/kit';
import { insertReceived, type NewReceivedMail, type Place } from '../db/mailboxes.repo.js';
import type { Correspondence } from '../domain/channel.js';
import { PROCESSED, QUARANTINE } from '../domain/mailbox-settings.js';
import { JudgeMail, type FetchedMail, type Judgement } from './judge-mail.js';
import { MailboxMetrics } from './mailbox-metrics.js';

/** Handles each mail once, whoever else reads the same mailbox. */
@Injectable()
export class HandleMail {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly judge: JudgeMail,
    private readonly metrics: MailboxMetrics,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /**
   * The folder that the mail belongs in now; undefined when somebody else handled it.
   * @throws when it cannot be handled just now
   */
  async handle(
    place: Place,
    uid: number,
    mail: FetchedMail,
    ours: Correspondence,
  ): Promise<string | undefined> {
    return this.#writeDown(place, uid, await this.judge.judge(mail, ours));
  }

  /** A mail that could not be handled several times over. */
  async giveUp(place: Place, uid: number, why: string): Promise<string | undefined> {
    const messageId = `unread:${place.mailbox} ${place.uidValidity} ${uid}`;
    return this.#writeDown(place, uid, { kind: 'refused', messageId, from: null, why });
  }

  async #writeDown(place: Place, uid: number, judgement: Judgement): Promise<string | undefined> {
    const { kind, messageId, from, why, reply } = judgement;
    const mail: NewReceivedMail = {
      id: newEventId(),
      uid,
      message_id: messageId,
      from_address: from,
      kind,
      sender: reply?.sender ?? null,
      verdict: reply?.verdict ?? null,
      why,
    };
    const written = await this.database.tx(async (tx) => {
      if (await insertReceived(tx, place, mail)) {
        if (reply) await this.bus.publish(tx, this.#eventOf(mail.id, reply));
        return mail;
      }
      // Somebody else has this very mail, or it is another copy: then it is noted as one, by whoever does it first.
      const copy: NewReceivedMail = {
        ...mail,
        message_id: null,
        kind: 'duplicate',
        sender: null,
        verdict: null,
        why: 'a mail with its Message-ID was handled before',
      };
      return (await insertReceived(tx, place, copy)) ? copy : undefined;
    });
    if (written === undefined) return undefined;
    this.metrics.received(written.kind, written.sender ?? undefined);
    // Nothing of what it says, and not the address that it was sent to.
    this.log.info(
      { mail_id: mail.id, channel_id: place.channelId, kind: written.kind, why: written.why },
      'a mail was received',
    );
    return written.kind === 'refused' || written.sender === 'unproven' ? QUARANTINE : PROCESSED;
  }

  #eventOf(mailId: string, reply: NonNullable<Judgement['reply']>) {
    return event(
      replyReceived,
      {
        mail_id: mailId,
        token_sha256: reply.tokenSha256,
        from: reply.from,
        sender: reply.sender,
        verdict: reply.verdict,
        ...(reply.unclearBecause === undefined ? {} : { why: reply.unclearBecause }),
        ...(reply.comment === undefined ? {} : { comment: reply.comment }),
      },
      { about: `mail/${mailId}` },
    );
  }
}
