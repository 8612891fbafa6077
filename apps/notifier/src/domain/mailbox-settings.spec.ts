import { expect, it } from 'vitest';
import { isOpen, missingFor, NO_MAILBOX, type MailboxSettings } from './mailbox-settings.js';

const whole: MailboxSettings = {
  ...NO_MAILBOX,
  isEnabled: true,
  host: 'imap.example.org',
  username: 'approvals',
  hasPassword: true,
};

it.each<[string, Partial<MailboxSettings>, string | undefined]>([
  ['all is there', {}, undefined],
  ['the host is missing', { host: null }, 'imap_host'],
  ['the user is missing', { username: null }, 'imap_username'],
  ['the password is missing', { hasPassword: false }, 'imap_password'],
  ['it is not enabled', { isEnabled: false, host: null, hasPassword: false }, undefined],
])('%s', (_what, change, missing) => {
  expect(missingFor({ ...whole, ...change })).toBe(missing);
});

it('is read when it is enabled and lacks nothing', () => {
  expect([isOpen(whole), isOpen({ ...whole, isEnabled: false }), isOpen({ ...whole, host: null })]).toEqual([
    true,
    false,
    false,
  ]);
});
