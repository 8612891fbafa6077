import type { EndpointLimits } from './endpoint-gate.js';
import { NO_MAILBOX, type MailboxSettings } from './mailbox-settings.js';
import { NO_OAUTH, type OauthSecret, type OauthSettings } from './oauth-settings.js';
import { allSecretNames, secretNames, type WebhookKeys } from './signing-keys.js';

/** Platforms where people talk to each other, and a hook of theirs takes our messages. */
export const CHAT_TYPES = ['slack', 'teams', 'discord'] as const;
export type ChatType = (typeof CHAT_TYPES)[number];
export const CHANNEL_TYPES = ['webhook', 'email', ...CHAT_TYPES] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

interface EveryChannel {
  readonly id: number;
  readonly name: string;
  readonly isEnabled: boolean;
  readonly disabledReason: string | null;
  readonly disabledAt: Date | null;
  /** Whether the secrets service keeps one of it: a webhook secret, an SMTP password, or the URL of a chat's hook. */
  readonly hasSecret: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface WebhookSettings extends EndpointLimits {
  readonly url: string;
  readonly keys: WebhookKeys;
}
/** The URL itself is a secret: whoever has it may write there. */
export interface ChatSettings extends EndpointLimits {
  /** Its host, and an id that is another one for another URL. */
  readonly address: { readonly host: string; readonly id: string };
  /** Where a Slack app writes; with it the secret is the app's token, and there is no hook. */
  readonly slackChannel?: string;
  /** Whether there is what proves that a pressed button comes from Slack. */
  readonly hasSigningSecret?: boolean;
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
  /** Absent in channels that never had one. */
  readonly mailbox?: MailboxSettings;
  /** Likewise. With it both servers are shown tokens instead of passwords. */
  readonly oauth?: OauthSettings;
}

/** As whom a channel writes, where answers come to, and who is believed of those that were forwarded. */
export type Correspondence = Pick<EmailSettings, 'fromAddress' | 'fromName'> & {
  readonly replyTo: string;
  readonly arcSealers: readonly string[];
};

export type WebhookChannel = EveryChannel & { readonly type: 'webhook'; readonly settings: WebhookSettings };
export type EmailChannel = EveryChannel & { readonly type: 'email'; readonly settings: EmailSettings };
export type ChatChannel = EveryChannel & { readonly type: ChatType; readonly settings: ChatSettings };
/** A way to reach people. Its secret is not here: it lives in the secrets service. */
export type Channel = WebhookChannel | EmailChannel | ChatChannel;

/** Of a mail server nobody says how much it takes; what it takes at once, its few connections do. */
const MAIL_LIMITS: EndpointLimits = { maxConcurrent: 20, maxPerSecond: 1_000 };

/** How much may be sent through a channel; through one that is gone nothing is. */
export const limitsOf = (channel: Pick<Channel, 'settings'> | undefined): EndpointLimits =>
  channel && 'maxConcurrent' in channel.settings ? channel.settings : MAIL_LIMITS;

/** The field of a channel that is a secret. */
export const SECRET_FIELD = {
  webhook: 'webhook_secret',
  email: 'smtp_password',
  slack: 'webhook_url',
  teams: 'webhook_url',
  discord: 'webhook_url',
} as const satisfies Record<ChannelType, string>;

/** As much of a channel as its secret's name takes. */
export type Named =
  | Pick<WebhookChannel, 'id' | 'type' | 'settings'>
  | Pick<EmailChannel, 'id' | 'type' | 'settings'>
  | Pick<ChatChannel, 'id' | 'type' | 'settings'>;

/** The name under which the secrets service keeps a channel's secret. */
export const secretNameOf = (channel: Named): string =>
  channel.type === 'webhook'
    ? secretNames(channel.id, channel.settings.keys).secret
    : `channel.${channel.id}.${secretFieldOf(channel)}`;

export const secretFieldOf = (channel: Pick<Channel, 'type' | 'settings'>): string =>
  isSlackApp(channel) ? 'bot_token' : SECRET_FIELD[channel.type];

export const isSlackApp = ({ settings }: Pick<Channel, 'settings'>): boolean =>
  'slackChannel' in settings && settings.slackChannel !== undefined;

/** The name of what Slack signs with, which is beside the app's token. */
export const signingSecretName = (channelId: number): string => `channel.${channelId}.signing_secret`;

/** The name of the password of a channel's mailbox, which is beside the one that it sends with. */
export const mailboxSecretName = (channelId: number): string => `channel.${channelId}.imap_password`;

/** The name of a secret that the channel's tokens are asked for with. */
export const oauthSecretName = (channelId: number, field: OauthSecret): string =>
  `channel.${channelId}.${field}`;

/** Everything that the secrets service keeps of a channel. */
export function allSecretNamesOf(channel: Channel): readonly string[] {
  if (channel.type === 'email')
    return [
      ...(channel.hasSecret ? [secretNameOf(channel)] : []),
      ...(mailboxOf(channel).hasPassword ? [mailboxSecretName(channel.id)] : []),
      ...(oauthOf(channel).hasClientSecret ? [oauthSecretName(channel.id, 'oauth_client_secret')] : []),
      ...(oauthOf(channel).hasRefreshToken ? [oauthSecretName(channel.id, 'oauth_refresh_token')] : []),
    ];
  if (!channel.hasSecret) return [];
  if (channel.type !== 'webhook')
    return [
      secretNameOf(channel),
      ...(channel.settings.hasSigningSecret ? [signingSecretName(channel.id)] : []),
    ];
  const { id, settings } = channel;
  const { previous } = settings.keys;
  return [settings.keys, ...(previous ? [previous] : [])].flatMap((keys) => allSecretNames(id, keys));
}

export const mailboxOf = ({ settings }: Pick<EmailChannel, 'settings'>): MailboxSettings =>
  settings.mailbox ?? NO_MAILBOX;

export const oauthOf = ({ settings }: Pick<EmailChannel, 'settings'>): OauthSettings =>
  settings.oauth ?? NO_OAUTH;
