import { kindOf } from './event-catalogue.js';
import { preheaderOf, type Mail } from './mail.js';
import { mailHtml, type MailPart } from './mail-template.js';

/** For who asked to set a new password. */
export const passwordResetMail = (
  about: { readonly username: string; readonly expires_at: string },
  link: string,
): Mail =>
  letter('auth.password_reset_requested', 'A new password', [
    `Somebody, probably you, asked for a new password for the account ${about.username}. This is where you set it, once, until ${about.expires_at}:`,
    { label: 'Set a new password', url: link },
    'If it was not you, do nothing: the password stays as it is. If you asked several times, the newest mail counts.',
  ]);

/** For whose password has changed: they are the first who can tell that it was not them. */
export const passwordChangedMail = (about: { readonly username: string }, when: string): Mail =>
  letter('auth.password_changed', 'Your password was changed', [
    `The password of the account ${about.username} was changed (${when}). Other sessions of this account have ended.`,
    'If it was not you, tell whoever looks after your Lineclear at once.',
  ]);

/** For whose own secret an administrator has taken: they know whether that was to be, and have to change it. */
export const ownSecretTakenMail = (about: {
  readonly name: string;
  readonly by: string;
  readonly reason: string;
  readonly must_rotate_by: string;
}): Mail =>
  letter('secret.own_taken', `Your secret ${about.name} was taken in an emergency`, [
    `${about.by} has taken the value of your secret ${about.name} in an emergency, and said why:`,
    about.reason,
    `Set a new value by ${about.must_rotate_by}: from then on the one that was taken is given to nobody, your jobs among them.`,
  ]);

type Line = string | { readonly label: string; readonly url: string };

function letter(type: string, title: string, lines: readonly Line[]): Mail {
  const texts = lines.map((line) => (typeof line === 'string' ? line : line.url));
  return {
    subject: `[Lineclear] ${title}`,
    text: `${texts.join('\n\n')}\n`,
    html: mailHtml({
      title,
      preheader: preheaderOf(texts[0] ?? ''),
      severity: kindOf(type).severity,
      parts: lines.map((line): MailPart =>
        typeof line === 'string' ? { kind: 'paragraph', text: line } : { kind: 'button', ...line },
      ),
    }),
  };
}
