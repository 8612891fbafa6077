import { expect, it } from 'vitest';
import { ownSecretTakenMail, passwordChangedMail, passwordResetMail } from './personal-mail.js';

const ada = { username: 'a<b>"da', expires_at: '2026-01-01T00:30:00.000Z' };

it('gives the link, whole, and says until when and for whom it is', () => {
  const { subject, text, html } = passwordResetMail(ada, 'https://lc.example/api/auth/password-reset#t-o_k');
  expect(subject).toBe('[Lineclear] A new password');
  expect(text).toContain('\nhttps://lc.example/api/auth/password-reset#t-o_k\n');
  expect(text).toContain(ada.expires_at);
  expect(html).toContain('<a href="https://lc.example/api/auth/password-reset#t-o_k">');
  expect(html).toContain('a&#60;b&#62;&#34;da');
});

it('tells of a change without any link that could be a bait', () => {
  const { text, html } = passwordChangedMail(ada, '2026-01-01T00:00:00.000Z');
  expect(text).toContain('was changed (2026-01-01T00:00:00.000Z)');
  expect(text).not.toContain('http');
  expect(html).not.toMatch(/http|<a|<b>/);
});

it.each(['javascript:alert(1)', 'https://evil.example'])('makes no link of the reason %s', (reason) => {
  const about = { name: 'HF_TOKEN', by: 'root', reason, must_rotate_by: '2026-01-02T00:00:00.000Z' };
  const { text, html } = ownSecretTakenMail(about);
  for (const part of [text, html]) expect(part).toContain(reason);
  expect(html).not.toContain('<a ');
});
