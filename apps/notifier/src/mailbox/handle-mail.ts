import { Inject, Injectable } from '@nestjs/common';
import { approverUnreached, replyReceived } from '@lineclear/contracts';
import { Bus, event, newEventId } from '@lineclear/bus';
import { Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { noteUnreached, type Unreached } from '../db/approval-mails.repo.js';
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
    const { kind, messageId, from, why, reply, unreached } = judgement;
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
        const isUnreached = unreached !== undefined && (await this.#tellUnreached(tx, mail, unreached));
        return { ...mail, isUnreached };
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
      return (await insertReceived(tx, place, copy)) ? { ...copy, isUnreached: false } : undefined;
    });
    if (written === undefined) return undefined;
    this.metrics.received(written.kind, written.sender ?? undefined);
    if (written.isUnreached) this.metrics.unreached(unreached!.why);
    else if (written.kind === 'bounce' || written.kind === 'auto_reply') this.metrics.unreached('ignored');
    // Nothing of what it says, and not the address that it was sent to.
    this.log.info(
      { mail_id: mail.id, channel_id: place.channelId, kind: written.kind, why: written.why },
      'a mail was received',
    );
    return written.kind === 'refused' || written.sender === 'unproven' ? QUARANTINE : PROCESSED;
  }

  async #tellUnreached(tx: Tx, mail: NewReceivedMail, unreached: Unreached): Promise<boolean> {
    if (!(await noteUnreached(tx, unreached, mail.from_address))) return false;
    const { tokenSha256, why, detail } = unreached;
    const data = { mail_id: mail.id, token_sha256: tokenSha256, why, ...(detail !== '' && { detail }) };
    await this.bus.publish(tx, event(approverUnreached, data, { about: `mail/${mail.id}` }));
    return true;
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
