import { escapeHtml, htmlPage, type Mail } from './mail.js';

/** For who asked to set a new password. */
export const passwordResetMail = (
  about: { readonly username: string; readonly expires_at: string },
  link: string,
): Mail =>
  letter('[Lineclear] A new password', [
    `Somebody, probably you, asked for a new password for the account ${about.username}. This is where you set it, once, until ${about.expires_at}:`,
    link,
    'If it was not you, do nothing: the password stays as it is. If you asked several times, the newest mail counts.',
  ]);

/** For whose password has changed: they are the first who can tell that it was not them. */
export const passwordChangedMail = (about: { readonly username: string }, when: string): Mail =>
  letter('[Lineclear] Your password was changed', [
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
  letter(`[Lineclear] Your secret ${about.name} was taken in an emergency`, [
    `${about.by} has taken the value of your secret ${about.name} in an emergency, and said why:`,
    about.reason,
    `Set a new value by ${about.must_rotate_by}: from then on the one that was taken is given to nobody, your jobs among them.`,
  ]);

function letter(subject: string, paragraphs: readonly string[]): Mail {
  const html = paragraphs.map((paragraph) => {
    const escaped = escapeHtml(paragraph);
    return URL.canParse(paragraph) ? `<p><a href="${escaped}">${escaped}</a></p>` : `<p>${escaped}</p>`;
  });
  return {
    subject,
    text: `${paragraphs.join('\n\n')}\n`,
    html: htmlPage(html),
  };
}
