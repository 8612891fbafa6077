import { wholeOauthOf, type OauthSettings } from './oauth-settings.js';

/** Where answers to the mails of a channel arrive. Its password is not here: it lives in the secrets service. */
export interface MailboxSettings {
  readonly isEnabled: boolean;
  readonly host: string | null;
  readonly port: number;
  readonly username: string | null;
  readonly useSsl: boolean;
  readonly folder: string;
  readonly hasPassword: boolean;
  /** Domains whose ARC seals are believed; absent where there never were any. */
  readonly arcSealers?: readonly string[];
  /** When the channel was given it (ISO 8601), for a mailbox that is enabled: what came before is none of ours. */
  readonly since: string | null;
}

/** A mailbox that can be read: all that it takes is there. */
export type OpenMailbox = MailboxSettings & {
  readonly host: string;
  readonly username: string;
  readonly since: string;
  /** The address that answers come to, with a token behind a plus. */
  readonly replyTo: string;
};

/** As much of a channel as tells whether its mailbox can be read. */
interface WithMailbox {
  readonly mailbox?: MailboxSettings;
  readonly replyTo?: string | null;
  /** With it nobody asks for a password. */
  readonly oauth?: OauthSettings;
}

export const NO_MAILBOX: MailboxSettings = {
  isEnabled: false,
  host: null,
  port: 993,
  username: null,
  useSsl: true,
  folder: 'INBOX',
  hasPassword: false,
  since: null,
};

/** What is handled is moved there, and what is refused there. */
export const PROCESSED = 'Processed';
export const QUARANTINE = 'Quarantine';

/** What a mailbox lacks to be read, as the field that would say it. */
export function missingFor({
  mailbox = NO_MAILBOX,
  replyTo = null,
  oauth,
}: WithMailbox): 'imap_host' | 'imap_username' | 'imap_password' | 'reply_to' | undefined {
  if (!mailbox.isEnabled) return undefined;
  if (mailbox.host === null) return 'imap_host';
  if (mailbox.username === null) return 'imap_username';
  if (!mailbox.hasPassword && !wholeOauthOf(oauth)) return 'imap_password';
  // Without it no mail carries a token, and nothing in the mailbox can be an answer.
  return replyTo === null ? 'reply_to' : undefined;
}

export function openMailboxOf({
  mailbox = NO_MAILBOX,
  replyTo = null,
  oauth,
}: WithMailbox): OpenMailbox | undefined {
  const { isEnabled, host, username, hasPassword, since } = mailbox;
  const canLogIn = hasPassword || wholeOauthOf(oauth) !== undefined;
  if (!isEnabled || host === null || username === null || !canLogIn || replyTo === null || since === null)
    return undefined;
  return { ...mailbox, host, username, replyTo, since };
}

const PLACE = ['username', 'host', 'port', 'folder'] as const;

/** The mailbox with the time since when it is the channel's: `now`, unless it was before. */
export function dated(mailbox: MailboxSettings, before: MailboxSettings, now: Date): MailboxSettings {
  const isSame = PLACE.every((name) => mailbox[name] === before[name]);
  const since = isSame ? before.since : null;
  return { ...mailbox, since: since ?? (mailbox.isEnabled ? now.toISOString() : null) };
}

/** Whose mails these are: UIDs of another account or folder mean other mails. */
export const placeOf = ({ username, host, port, folder }: OpenMailbox): string =>
  `${username}@${host}:${port}/${folder}`;
