import { Injectable } from '@nestjs/common';
import { Unavailable, type Secret } from '@lineclear/kit';
import type { AttemptResult } from '../domain/attempt.js';
import { SECRET_FIELD, type Channel } from '../domain/channel.js';
import type { Message } from '../domain/message.js';
import { SendMail } from '../email/send-mail.js';
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
    private readonly secrets: ChannelSecrets,
    private readonly webhook: SendWebhook,
    private readonly mail: SendMail,
  ) {}

  async send(channel: Channel, parcel: Parcel, stop: AbortSignal): Promise<AttemptResult> {
    let secret: Secret | undefined;
    try {
      secret = await this.secrets.read(channel);
    } catch (error) {
      if (error instanceof Unavailable) return { outcome: 'postponed', error: error.message };
      throw error;
    }
    if (!secret && channel.hasSecret) {
      return {
        outcome: 'refused',
        error: `the secrets service has no ${SECRET_FIELD[channel.type]} of this channel`,
      };
    }
    switch (channel.type) {
      case 'webhook':
        if (!secret)
          return { outcome: 'refused', error: 'the channel has no webhook_secret: nothing is sent unsigned' };
        return this.webhook.send(channel.settings, secret, parcel, stop);
      case 'email':
        return this.mail.send(
          channel,
          secret,
          { ...parcel, message: JSON.parse(parcel.body) as Message },
          stop,
        );
    }
  }
}
