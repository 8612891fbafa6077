import { BadInput, Secret } from '@lineclear/kit';
import { mailboxOf, oauthOf, type Channel, type EmailSettings } from '../domain/channel.js';
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

/** What is kept goes to no other server than the one it was given for: whoever names another may not know it. */
export function checkDestinations(before: Channel, after: Channel['settings'], change: ChannelChange): void {
  if (before.type !== 'email' || !('host' in after)) return;
  const { oauth_client_secret: client, oauth_refresh_token: refresh } = change.oauthSecrets ?? {};
  const [mailbox, oauth] = [mailboxOf(before), oauthOf(before)];
  const moved = {
    smtp_host: before.settings.host !== after.host,
    imap_host: mailbox.host !== null && mailbox.host !== (after.mailbox ?? NO_MAILBOX).host,
    oauth_token_url: oauth.tokenUrl !== null && oauth.tokenUrl !== (after.oauth ?? NO_OAUTH).tokenUrl,
  };
  const kept = [
    ['smtp_password', before.hasSecret && change.secret === undefined, ['smtp_host']],
    ['imap_password', mailbox.hasPassword && change.mailboxSecret === undefined, ['imap_host']],
    // Tokens that are got with it go to the mail servers.
    [
      'oauth_client_secret',
      oauth.hasClientSecret && client === undefined,
      ['oauth_token_url', 'smtp_host', 'imap_host'],
    ],
    ['oauth_refresh_token', oauth.hasRefreshToken && refresh === undefined, ['oauth_token_url']],
  ] as const;
  for (const [field, isKept, goesTo] of kept) {
    const other = goesTo.find((one) => moved[one]);
    if (isKept && other !== undefined) throw BadInput.at(field, `is to be given again with another ${other}`);
  }
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
