import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  approvalEscalated,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  ownSecretTaken,
  passwordChanged,
  passwordResetRequested,
  replyHandled,
  replyToken,
  resetLink,
} from '@lineclear/contracts';
import { ask, Bus } from '@lineclear/bus';
import { CONFIG, Database, SealingKey, Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import { collectedIn } from '../db/collected.repo.js';
import { approvalMail, replyAnswerMail, type Ways } from '../domain/approval-mail.js';
import type { EmailSettings } from '../domain/channel.js';
import { DIGEST_TYPE } from '../domain/digest.js';
import { digestMail, MAX_LISTED } from '../domain/digest-mail.js';
import { openMailboxOf } from '../domain/mailbox-settings.js';
import { mailOf, type Mail } from '../domain/mail.js';
import type { Message } from '../domain/message.js';
import type { OwnWait } from '../domain/own-waits.js';
import { ownMail } from '../domain/own-mail.js';
import { ownSecretTakenMail, passwordChangedMail, passwordResetMail } from '../domain/personal-mail.js';
import { replyAddress } from '../domain/reply-address.js';

const DEADLINE_MS = 2_000;

export interface WrittenMail {
  readonly mail: Mail;
  /** Whether it holds what must be stored nowhere. */
  readonly isSecret: boolean;
  /** Of the token that it comes back with when it reaches nobody. */
  readonly tokenSha256?: string;
}

const ASKING = new Map(
  [approvalRequired, approvalReminder, approvalStageStarted, approvalEscalated].map((def) => [
    def.name as string,
    def,
  ]),
);

/** Makes a mail of a message at the moment it is sent: what it holds that is secret is stored nowhere on its way. */
@Injectable()
export class WriteMail {
  /** Of this process alone: what is sealed to it dies with it. */
  readonly #key = new SealingKey();

  constructor(
    private readonly bus: Bus,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Undefined when there is nothing left to write of. @throws Unavailable when who knows what is secret does not answer */
  async write(message: Message, channel: EmailSettings): Promise<WrittenMail | undefined> {
    switch (message.type) {
      case passwordResetRequested.name: {
        const about = passwordResetRequested.data.parse(message.data);
        const link = await this.#newLink(about.reset_id);
        return link && { mail: passwordResetMail(about, link.reveal()), isSecret: true };
      }
      case passwordChanged.name:
        return {
          mail: passwordChangedMail(passwordChanged.data.parse(message.data), message.timestamp),
          isSecret: false,
        };
      case ownSecretTaken.name:
        return { mail: ownSecretTakenMail(ownSecretTaken.data.parse(message.data)), isSecret: false };
      case replyHandled.name:
        return { mail: replyAnswerMail(replyHandled.data.parse(message.data)), isSecret: false };
      case approvalRequired.name:
      case approvalReminder.name:
      case approvalStageStarted.name:
      case approvalEscalated.name:
        if (message.person) return this.#askFor(message, message.person.user_id, channel);
        return { mail: mailOf(message, this.config.PUBLIC_URL), isSecret: false };
      case DIGEST_TYPE:
        return { mail: await this.#digest(message), isSecret: false };
      default: {
        const mail = (message.person ? ownMail : mailOf)(message, this.config.PUBLIC_URL);
        return { mail, isSecret: false };
      }
    }
  }

  async #askFor(message: Message, userId: number, channel: EmailSettings): Promise<WrittenMail | undefined> {
    const about = ASKING.get(message.type)!.data.parse(message.data);
    const { replyTo: inbound = null } = channel;
    const question = {
      approval_id: about.approval_id,
      user_id: userId,
      stage: about.stage,
      round: about.round,
      public_key: this.#key.publicKey,
      with_link: true,
    };
    const { box, link_box } = await ask(this.bus, replyToken, question, DEADLINE_MS);
    if (box === undefined || link_box === undefined) return undefined;
    const [token, link] = await Promise.all([this.#key.open(box), this.#key.open(link_box)]);
    const ways: Ways = {
      // Where nobody reads answers there is only the link.
      ...(inbound !== null && { replyTo: replyAddress(inbound, token) }),
      link: `${this.config.PUBLIC_URL.replace(/\/$/, '')}/api/approvals/links#${link}`,
    };
    const mail = approvalMail(about, this.config.PUBLIC_URL, ways);
    // Nobody would see it come back; or the domain that it is from does not vouch for where it would come back to (SPF).
    const { replyTo } = ways;
    if (!replyTo || !openMailboxOf(channel) || domainOf(replyTo) !== domainOf(channel.fromAddress))
      return { mail, isSecret: true };
    const tokenSha256 = createHash('sha256').update(token).digest('hex');
    return { mail: { ...mail, returnPath: replyTo }, isSecret: true, tokenSha256 };
  }

  async #digest({ data }: Message): Promise<Mail> {
    const { delivery_id, why } = data as { delivery_id: string; why: OwnWait };
    const { bodies, total } = await collectedIn(this.database, delivery_id, MAX_LISTED);
    const messages = bodies.map((body) => JSON.parse(body) as Message);
    return digestMail(messages, total, why, this.config.PUBLIC_URL);
  }

  async #newLink(resetId: string): Promise<Secret | undefined> {
    const question = { reset_id: resetId, public_key: this.#key.publicKey };
    const { box } = await ask(this.bus, resetLink, question, DEADLINE_MS);
    return box === undefined ? undefined : new Secret(await this.#key.open(box));
  }
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@')).toLowerCase();
