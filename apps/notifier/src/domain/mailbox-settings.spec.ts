import { expect, it } from 'vitest';
import { missingFor, NO_MAILBOX, openMailboxOf, type MailboxSettings } from './mailbox-settings.js';

const whole: MailboxSettings = {
  ...NO_MAILBOX,
  isEnabled: true,
  host: 'imap.example.org',
  username: 'approvals',
  hasPassword: true,
};

const replyTo = 'approvals@example.org';

it.each<[string, Partial<MailboxSettings>, string | undefined]>([
  ['all is there', {}, undefined],
  ['the host is missing', { host: null }, 'imap_host'],
  ['the user is missing', { username: null }, 'imap_username'],
  ['the password is missing', { hasPassword: false }, 'imap_password'],
  ['it is not enabled', { isEnabled: false, host: null, hasPassword: false }, undefined],
])('%s', (_what, change, missing) => {
  const mailbox = { ...whole, ...change };
  expect(missingFor({ mailbox, replyTo })).toBe(missing);
  const isRead = mailbox.isEnabled && missing === undefined;
  expect(openMailboxOf({ mailbox, replyTo })).toEqual(isRead ? { ...mailbox, replyTo } : undefined);
});

it.each([null, undefined])('is of no use where answers come to %s', (nowhere) => {
  const channel = { mailbox: whole, ...(nowhere === undefined ? {} : { replyTo: nowhere }) };
  expect([missingFor(channel), openMailboxOf(channel)]).toEqual(['reply_to', undefined]);
  expect(missingFor({ ...channel, mailbox: { ...whole, isEnabled: false } })).toBeUndefined();
});

it('is none where there never was one', () => {
  expect([missingFor({}), openMailboxOf({ replyTo })]).toEqual([undefined, undefined]);
});
