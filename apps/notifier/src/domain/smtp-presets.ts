export interface SmtpPreset {
  readonly id: string;
  readonly name: string;
  readonly smtp_host: string;
  readonly smtp_port: number;
  readonly smtp_use_tls: boolean;
  readonly note: string;
}

/** What to fill in for well-known mail providers. */
export const SMTP_PRESETS: readonly SmtpPreset[] = [
  {
    id: 'gmail',
    name: 'Gmail',
    smtp_host: 'smtp.gmail.com',
    smtp_port: 587,
    smtp_use_tls: true,
    note: 'needs an app password',
  },
  {
    id: 'outlook',
    name: 'Outlook',
    smtp_host: 'smtp.office365.com',
    smtp_port: 587,
    smtp_use_tls: true,
    note: 'SMTP AUTH must be enabled for the mailbox',
  },
  {
    id: 'yahoo',
    name: 'Yahoo Mail',
    smtp_host: 'smtp.mail.yahoo.com',
    smtp_port: 465,
    smtp_use_tls: true,
    note: 'needs an app password',
  },
  {
    id: 'fastmail',
    name: 'Fastmail',
    smtp_host: 'smtp.fastmail.com',
    smtp_port: 465,
    smtp_use_tls: true,
    note: 'needs an app password',
  },
  {
    id: 'protonmail',
    name: 'Proton Mail',
    smtp_host: 'smtp.protonmail.ch',
    smtp_port: 587,
    smtp_use_tls: true,
    note: 'needs an SMTP token and an own domain',
  },
];
