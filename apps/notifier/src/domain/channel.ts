export const CHANNEL_TYPES = ['webhook', 'email'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

interface EveryChannel {
  readonly id: number;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly disabledReason: string | null;
  /** Whether the secrets service keeps one of it: a webhook secret, or an SMTP password. */
  readonly hasSecret: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface WebhookSettings {
  readonly url: string;
}
export interface EmailSettings {
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly useTls: boolean;
  readonly fromAddress: string;
  readonly fromName: string | null;
  /** Where answers to approval mails come to; absent in channels from before there were any. */
  readonly replyTo?: string | null;
}

export type WebhookChannel = EveryChannel & { readonly type: 'webhook'; readonly settings: WebhookSettings };
export type EmailChannel = EveryChannel & { readonly type: 'email'; readonly settings: EmailSettings };
/** A way to reach people. Its secret is not here: it lives in the secrets service. */
export type Channel = WebhookChannel | EmailChannel;

/** The field of a channel that is a secret. */
export const SECRET_FIELD = { webhook: 'webhook_secret', email: 'smtp_password' } as const satisfies Record<
  ChannelType,
  string
>;

/** The name under which the secrets service keeps a channel's secret. */
export const secretNameOf = (channel: { id: number; type: ChannelType }): string =>
  `channel.${channel.id}.${SECRET_FIELD[channel.type]}`;
