import { NO_MAILBOX, type MailboxSettings } from './mailbox-settings.js';

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
  /** Absent in channels that never had one. */
  readonly mailbox?: MailboxSettings;
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

/** The password of a channel's mailbox, beside the secret that it sends with. */
export const MAILBOX_SECRET = 'imap_password';
export type SecretField = (typeof SECRET_FIELD)[ChannelType] | typeof MAILBOX_SECRET;

/** The name under which the secrets service keeps a channel's secret. */
export const secretNameOf = ({ id }: { id: number }, field: SecretField): string => `channel.${id}.${field}`;

export const mailboxOf = ({ settings }: EmailChannel): MailboxSettings => settings.mailbox ?? NO_MAILBOX;

/** The address that people answer to, with a token behind a plus. */
export const inboundAddressOf = ({ settings }: EmailChannel): string => settings.fromAddress;
