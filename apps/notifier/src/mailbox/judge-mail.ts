import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Unreached } from '../db/approval-mails.repo.js';
import type { Correspondence } from '../domain/channel.js';
import type { MailKind, Sender, Verdict } from '../domain/received-mail.js';
import {
  deliveredTo,
  headerLines,
  isPlainFrom,
  repeatedHeader,
  valuesOf,
  type HeaderLine,
} from './header-lines.js';
import type { ParsedMail } from './parse-mail.js';
import { ParsingThreads } from './parsing-threads.js';
import { ProveSender } from './prove-sender.js';
import { returnedTokenOf, tokenOf } from './reply-token.js';

/** More than that is fetched of no mail: an answer is short. */
export const MAX_MAIL_BYTES = 1024 * 1024;
const MAX_WORDS = 2_000;
const MAX_MESSAGE_ID = 500;

export interface FetchedMail {
  /** As the server counts them. */
  readonly bytes: number;
  /** At most MAX_MAIL_BYTES of it. */
  readonly raw: Buffer;
}

/** What a mail is, without its text. */
export interface Judgement {
  readonly kind: MailKind;
  readonly messageId: string;
  readonly from: string | null;
  readonly why: string | null;
  /** Of what tells that a mail of ours, or what says it is one, reached nobody. */
  readonly unreached?: Unreached;
  /** Of a reply alone. */
  readonly reply?: {
    readonly tokenSha256: string;
    readonly from: string;
    readonly sender: Sender;
    readonly verdict: Verdict;
    readonly unclearBecause?: string;
    readonly comment?: string;
  };
}

const addressSchema = z.email().max(254);

/** Tells of a mail what it is: an answer to which question, by whom and with which words; or why it is none. */
@Injectable()
export class JudgeMail {
  constructor(
    private readonly threads: ParsingThreads,
    private readonly senders: ProveSender,
  ) {}

  /** @throws when it cannot be told just now */
  async judge(
    { bytes, raw }: FetchedMail,
    { fromAddress, fromName, replyTo, arcSealers }: Correspondence,
  ): Promise<Judgement> {
    const messageId = messageIdOf(headerLines(raw) ?? [], raw);
    const refused = (why: string, from: string | null = null): Judgement => ({
      kind: 'refused',
      messageId,
      from,
      why,
    });
    if (bytes > MAX_MAIL_BYTES || raw.length > MAX_MAIL_BYTES) return refused('it is larger than 1 MiB');
    // Mail programs name whom they answer: by the sender of our mail, or by where the answer goes to.
    const mail = await this.threads.parse(raw, {
      addresses: [fromAddress, replyTo],
      ...(fromName === null ? {} : { name: fromName }),
    });
    if ('refused' in mail) return refused(mail.refused);
    const from = addressSchema.safeParse(mail.from.length === 1 ? mail.from[0] : undefined).data ?? null;
    if (mail.read.kind !== 'reply')
      return {
        kind: mail.read.kind,
        messageId,
        from,
        why: cut(mail.read.why),
        ...unreachedOf(mail, replyTo),
      };
    const repeated = repeatedHeader(mail.lines);
    if (repeated !== undefined) return refused(`it has more than one ${repeated} header`, null);
    if (from === null || !valuesOf(mail.lines, 'from').every(isPlainFrom))
      return refused('its From is not one address');
    return this.#judgeReply(raw, mail, { from, replyTo, arcSealers, messageId });
  }

  async #judgeReply(
    raw: Buffer,
    mail: ParsedMail,
    {
      from,
      replyTo,
      arcSealers,
      messageId,
    }: Pick<Correspondence, 'replyTo' | 'arcSealers'> & {
      from: string;
      messageId: string;
    },
  ): Promise<Judgement> {
    const { read } = mail;
    const token = tokenOf({ ...mail, delivered: deliveredTo(mail.lines) }, replyTo);
    if ('refused' in token || read.kind !== 'reply')
      return { kind: 'refused', messageId, from, why: 'refused' in token ? token.refused : read.kind };
    const { sender, doubt } = await this.senders.of(
      { raw, lines: mail.lines, from, tokenIn: token.in },
      arcSealers,
    );
    const unclearBecause = read.verdict === 'unclear' ? cut(read.why) : undefined;
    return {
      kind: 'reply',
      messageId,
      from,
      why: cut(doubt ?? unclearBecause ?? '') || null,
      reply: {
        tokenSha256: token.sha256,
        from,
        sender,
        verdict: read.verdict,
        ...(unclearBecause === undefined ? {} : { unclearBecause }),
        ...(read.verdict === 'unclear' || read.comment === undefined ? {} : { comment: cut(read.comment) }),
      },
    };
  }
}

function unreachedOf(mail: ParsedMail, replyTo: string): Pick<Judgement, 'unreached'> {
  const tokenSha256 =
    mail.unreached && returnedTokenOf({ ...mail, delivered: deliveredTo(mail.lines) }, replyTo);
  return mail.unreached && tokenSha256 !== undefined ? { unreached: { ...mail.unreached, tokenSha256 } } : {};
}

const cut = (words: string): string => words.slice(0, MAX_WORDS);

/** By which it is known when it is met again; a mail without a Message-ID by its bytes. */
function messageIdOf(lines: readonly HeaderLine[], raw: Buffer): string {
  const [id = ''] = valuesOf(lines, 'message-id');
  const isUsable = id !== '' && id.length <= MAX_MESSAGE_ID && /^[\x20-\x7e]*$/u.test(id);
  return isUsable ? id : `sha256:${createHash('sha256').update(raw).digest('hex')}`;
}
