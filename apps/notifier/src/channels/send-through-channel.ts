import { Injectable } from '@nestjs/common';
import { Database, Refused, Unavailable, type Secret } from '@lineclear/kit';
import { SendChat } from '../chat/send-chat.js';
import { SendToSlack } from '../chat/send-to-slack.js';
import { insertApprovalMail } from '../db/approval-mails.repo.js';
import type { AttemptResult } from '../domain/attempt.js';
import { isSlackApp, secretFieldOf, type Channel, type EmailChannel } from '../domain/channel.js';
import type { Message } from '../domain/message.js';
import { MailTokens, NoToken } from '../email/mail-tokens.js';
import { SendMail } from '../email/send-mail.js';
import { WriteMail } from '../email/write-mail.js';
import { SendWebhook } from '../webhook/send-webhook.js';
import { ChannelSecrets } from './channel-secrets.js';

export interface Parcel {
  readonly id: string;
  readonly type: string;
  readonly recipient: string;
  /** A Message as JSON. */
  readonly body: string;
}

/** Tries once to get a message through a channel, whatever its type. */
@Injectable()
export class SendThroughChannel {
  constructor(
    private readonly database: Database,
    private readonly secrets: ChannelSecrets,
    private readonly webhook: SendWebhook,
    private readonly chat: SendChat,
    private readonly slack: SendToSlack,
    private readonly mail: SendMail,
    private readonly tokens: MailTokens,
    private readonly writer: WriteMail,
  ) {}

  async send(channel: Channel, parcel: Parcel, stop: AbortSignal): Promise<AttemptResult> {
    try {
      return await this.#send(channel, parcel, stop);
    } catch (error) {
      if (error instanceof Unavailable) return { outcome: 'postponed', error: error.message };
      // A secret that is given out to nobody may have a new value by the next attempt.
      if (error instanceof NoToken || error instanceof Refused)
        return { outcome: 'refused', error: error.message };
      throw error;
    }
  }

  async #send(channel: Channel, parcel: Parcel, stop: AbortSignal): Promise<AttemptResult> {
    switch (channel.type) {
      case 'webhook': {
        if (!channel.hasSecret)
          return { outcome: 'refused', error: 'the channel has no webhook_secret: nothing is sent unsigned' };
        const signers = await this.secrets.signers(channel);
        if (!signers) return notKept(channel);
        return this.webhook.send(channel.settings, signers, parcel, stop);
      }
      case 'email': {
        const password = await this.secrets.read(channel);
        if (!password && channel.hasSecret) return notKept(channel);
        // Asked for before anything is written: why there is none is said best here.
        if (channel.settings.username !== null) await this.tokens.tokenOf(channel);
        return this.#mail(channel, password, parcel, stop);
      }
      case 'slack':
      case 'teams':
      case 'discord': {
        const url = await this.secrets.read(channel);
        if (!url) return notKept(channel);
        if (isSlackApp(channel)) return this.slack.send(channel, url, parcel, stop);
        return this.chat.send(channel.type, url, JSON.parse(parcel.body) as Message, stop);
      }
    }
  }

  async #mail(
    channel: EmailChannel,
    password: Secret | undefined,
    { body, ...parcel }: Parcel,
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    const written = await this.writer.write(JSON.parse(body) as Message, channel.settings);
    if (!written) return { outcome: 'over', error: 'what this mail is about is over' };
    if (written.tokenSha256 !== undefined)
      await insertApprovalMail(this.database, written.tokenSha256, parcel.id);
    const result = await this.mail.send(channel, password, { ...parcel, mail: written.mail }, stop);
    return written.isSecret ? unquoted(result) : result;
  }
}

const notKept = (channel: Channel): AttemptResult => ({
  outcome: 'refused',
  error: `the secrets service has no ${secretFieldOf(channel)} of this channel`,
});

/** A mail server may quote what it does not like of a mail; what must be stored nowhere is not stored in its words either. */
const unquoted = (result: AttemptResult): AttemptResult =>
  result.statusCode === undefined
    ? result
    : {
        ...result,
        response: undefined,
        error: result.error && `the mail server answered ${result.statusCode}`,
      };
