import { BadInput, Secret } from '@lineclear/kit';
import type { Channel, EmailSettings } from '../domain/channel.js';
import { NO_MAILBOX, type MailboxSettings } from '../domain/mailbox-settings.js';
import {
  missingForOauth,
  NO_OAUTH,
  oauthAfter,
  type OauthSecret,
  type OauthSettings,
} from '../domain/oauth-settings.js';

export type OauthSecrets = Readonly<Partial<Record<OauthSecret, Secret | null>>>;

/** What a change asks for; a secret that is null is taken away. */
export interface ChannelChange {
  readonly name?: string | undefined;
  readonly isEnabled?: boolean | undefined;
  readonly settings: Partial<Channel['settings']>;
  readonly secret?: Secret | null | undefined;
  /** Of an email channel: what changes about where answers arrive. */
  readonly mailbox?: Partial<MailboxSettings> | undefined;
  readonly mailboxSecret?: Secret | null | undefined;
  readonly oauth?: Partial<OauthSettings> | undefined;
  readonly oauthSecrets?: OauthSecrets | undefined;
  /** Of a Slack app. */
  readonly signingSecret?: Secret | null | undefined;
}

export const setsSecret = ({
  secret,
  mailboxSecret,
  signingSecret,
  oauthSecrets = {},
}: ChannelChange): boolean =>
  [secret, mailboxSecret, signingSecret, ...Object.values(oauthSecrets)].some((one) => one instanceof Secret);

/** Tokens or passwords, not both; and tokens for somebody. */
export function checkLogins({ oauth, mailbox, username }: EmailSettings, hasPassword: boolean): void {
  const missing = missingForOauth(oauth);
  if (missing !== undefined) throw BadInput.at(missing, 'is needed with the other oauth fields');
  if ((oauth ?? NO_OAUTH).tokenUrl === null) return;
  const why = 'is not used with oauth_token_url';
  if (hasPassword) throw BadInput.at('smtp_password', why);
  if (mailbox?.hasPassword) throw BadInput.at('imap_password', why);
  if (username === null && (mailbox ?? NO_MAILBOX).username === null)
    throw BadInput.at('smtp_username', 'is needed with oauth_token_url');
}

export function settingsAfter({ settings }: Channel, change: ChannelChange): Channel['settings'] {
  const { mailbox = {}, mailboxSecret } = change;
  const merged = withOauth({ ...settings, ...change.settings } as Channel['settings'], change);
  const isAsked = Object.keys(mailbox).length > 0 || mailboxSecret !== undefined;
  if (!('host' in merged) || !isAsked) return merged;
  const before = merged.mailbox ?? NO_MAILBOX;
  const hasPassword = mailboxSecret === undefined ? before.hasPassword : mailboxSecret !== null;
  return { ...merged, mailbox: { ...before, ...mailbox, hasPassword } };
}

function withOauth(settings: Channel['settings'], change: ChannelChange): Channel['settings'] {
  const { oauth = {}, oauthSecrets = {} } = change;
  const isAsked = Object.keys(oauth).length > 0 || Object.keys(oauthSecrets).length > 0;
  if (!('host' in settings) || !isAsked) return settings;
  return { ...settings, oauth: oauthAfter(settings.oauth ?? NO_OAUTH, oauth, oauthSecrets) };
}
