import { readConfig } from '../src/config.js';
import { afterEach, expect, it, vi } from 'vitest';
import { dns, newReplyAddress, write } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

const BASE = '/api/cloud/notifications';
let at: MailboxHouse | undefined;

afterEach(async () => {
  dns.isAway = false;
  await at?.stop();
  at = undefined;
});

async function senderOf(house: MailboxHouse, id: string, results?: string): Promise<unknown> {
  const { address } = newReplyAddress();
  const raw = await write({ to: address, messageId: id, signedBy: null });
  const added = results === undefined ? '' : `Authentication-Results: ${results}\r\n`;
  await house.server.deliver(Buffer.concat([Buffer.from(added), raw]), address);
  return (await house.handled(id))['sender'];
}
const checkOf = async (house: MailboxHouse): Promise<unknown> =>
  (await house.house.admin.get(`${BASE}/channels/${house.channelId}`)).body.reply_sender_check;

it('believes a relay that it is told to trust, and that one alone', async () => {
  at = await openMailboxHouse({
    REPLY_SENDER_CHECK: 'trusted_relay',
    REPLY_TRUSTED_AUTHSERV_ID: 'mx.lineclear.test',
  });
  expect(await checkOf(at)).toBe('trusted_relay');
  const pass = 'mx.lineclear.test; dmarc=pass header.from=team.test';
  expect(await senderOf(at, '<trusted@team.test>', pass)).toBe('trusted_relay');
  expect(await senderOf(at, '<another@team.test>', pass.replace('mx.', 'mx2.'))).toBe('unproven');
  expect(await senderOf(at, '<nobody@team.test>')).toBe('unproven');
});

it('believes everybody where nothing is checked, and shows that', async () => {
  at = await openMailboxHouse({ REPLY_SENDER_CHECK: 'off' });
  expect(await checkOf(at)).toBe('off');
  expect(await senderOf(at, '<anybody@team.test>')).toBe('trusted_relay');
});

it('puts a mail away after the last attempt, and keeps no others waiting', async () => {
  at = await openMailboxHouse({ REPLY_RETRY_SECONDS: '0.1,0.1' });
  dns.isAway = true;
  const { address, token } = newReplyAddress();
  await at.server.deliver(await write({ to: address }), address);
  await vi.waitFor(async () => {
    const { body } = await at!.house.admin.get(`${BASE}/replies`);
    expect(body.replies).toMatchObject([
      { kind: 'refused', why: 'it could not be handled: DNS did not answer' },
    ]);
    expect((await at!.server.counts())['Quarantine']).toBe(1);
  }, PATIENT);
  dns.isAway = false;
  expect(await senderOf(at, '<after@team.test>')).toBe('unproven');
  expect(at.events(token)).toEqual([]);
});

it('does not start with settings that contradict each other', () => {
  const env = {
    DATABASE_URL: 'postgres://localhost/x',
    REDIS_URL: 'redis://localhost',
    NATS_URL: 'nats://localhost',
    PORT: '8080',
  };
  const check = (more: Record<string, string>) => () => readConfig({ ...env, ...more });
  expect(check({})).not.toThrow();
  expect(check({ REPLY_SENDER_CHECK: 'trusted_relay' })).toThrow('REPLY_TRUSTED_AUTHSERV_ID');
  expect(check({ REPLY_SENDER_CHECK: 'maybe' })).toThrow('REPLY_SENDER_CHECK');
  expect(check({ REPLY_RETRY_SECONDS: '1,x' })).toThrow('REPLY_RETRY_SECONDS');
});
