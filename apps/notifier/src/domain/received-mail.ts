/** What a mail in a mailbox of ours turned out to be. */
export const MAIL_KINDS = ['reply', 'bounce', 'auto_reply', 'list', 'own', 'refused', 'duplicate'] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

export const SENDERS = ['dmarc', 'trusted_relay', 'unproven'] as const;
export type Sender = (typeof SENDERS)[number];

export const VERDICTS = ['approve', 'reject', 'unclear'] as const;
export type Verdict = (typeof VERDICTS)[number];
