/** Where answers to the mails of a channel arrive. Its password is not here: it lives in the secrets service. */
export interface MailboxSettings {
  readonly isEnabled: boolean;
  readonly host: string | null;
  readonly port: number;
  readonly username: string | null;
  readonly useSsl: boolean;
  readonly folder: string;
  readonly hasPassword: boolean;
}

/** A mailbox that can be read: all that it takes is there. */
export type OpenMailbox = MailboxSettings & {
  readonly host: string;
  readonly username: string;
};

export const NO_MAILBOX: MailboxSettings = {
  isEnabled: false,
  host: null,
  port: 993,
  username: null,
  useSsl: true,
  folder: 'INBOX',
  hasPassword: false,
};

/** What is handled is moved there, and what is refused there. */
export const PROCESSED = 'Processed';
export const QUARANTINE = 'Quarantine';

/** What a mailbox lacks to be read, as the field that would say it. */
export function missingFor(
  mailbox: MailboxSettings,
): 'imap_host' | 'imap_username' | 'imap_password' | undefined {
  if (!mailbox.isEnabled) return undefined;
  if (mailbox.host === null) return 'imap_host';
  if (mailbox.username === null) return 'imap_username';
  return mailbox.hasPassword ? undefined : 'imap_password';
}

export const isOpen = (mailbox: MailboxSettings): mailbox is OpenMailbox =>
  mailbox.isEnabled && missingFor(mailbox) === undefined;

/** Whose mails these are: UIDs of another account or folder mean other mails. */
export const placeOf = ({ username, host, port, folder }: OpenMailbox): string =>
  `${username}@${host}:${port}/${folder}`;
