import { expect, it } from 'vitest';
import { NO_OAUTH } from './oauth-settings.js';
import { dated, missingFor, NO_MAILBOX, openMailboxOf, type MailboxSettings } from './mailbox-settings.js';

const whole: MailboxSettings = {
  ...NO_MAILBOX,
  isEnabled: true,
  host: 'imap.example.org',
  username: 'approvals',
  hasPassword: true,
  since: '2026-11-28T12:00:00.000Z',
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

it('needs no password where there is OAuth', () => {
  const oauth = {
    ...NO_OAUTH,
    tokenUrl: 'https://login.example.org/token',
    clientId: 'lineclear',
    hasClientSecret: true,
  };
  const channel = { mailbox: { ...whole, hasPassword: false }, replyTo, oauth };
  expect([missingFor(channel), openMailboxOf(channel)?.host]).toEqual([undefined, whole.host]);
});

it('is none where there never was one', () => {
  expect([missingFor({}), openMailboxOf({ replyTo })]).toEqual([undefined, undefined]);
});

const now = new Date('2026-11-29T12:00:00.000Z');
it.each<[string, Partial<MailboxSettings>, Partial<MailboxSettings>, string | null]>([
  ['now, for one that is new', { since: null }, NO_MAILBOX, now.toISOString()],
  ['when it was given, whatever else changes', { useSsl: false }, whole, whole.since],
  ['when it was given, once it is enabled again', {}, { ...whole, isEnabled: false }, whole.since],
  ['now, for another account', { username: 'others' }, whole, now.toISOString()],
  ['now, for another folder', { folder: 'Answers' }, whole, now.toISOString()],
  ['at no time, while it is off', { isEnabled: false }, NO_MAILBOX, null],
])('is the channel’s since %s', (_what, after, before, since) => {
  expect(dated({ ...whole, ...after }, { ...whole, ...before }, now).since).toBe(since);
});
