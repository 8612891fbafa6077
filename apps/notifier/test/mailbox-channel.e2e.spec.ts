import { readFileSync } from 'node:fs';
import { secretChanged } from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Secret } from '@lineclear/kit';
import { parseNetworks } from '../src/domain/addresses.js';
import { NO_MAILBOX, type OpenMailbox } from '../src/domain/mailbox-settings.js';
import { keepReading } from '../src/mailbox/keep-reading.js';
import { openImap } from '../src/mailbox/open-imap.js';
import { openHouse, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';
import {
  HOUSE,
  INBOUND,
  LOGIN,
  newReplyAddress,
  resolveRecords,
  startMailServer,
  write,
  type MailServer,
} from './mail-server.js';
import { isBeingRead, PATIENT } from './mailbox-house.js';

const CHANNELS = '/api/cloud/notifications/channels';
const REPLIES = '/api/cloud/notifications/replies';
let house: House;
let server: MailServer;
let sink: MailSink;

beforeAll(async () => {
  [house, server, sink] = await Promise.all([
    openHouse({}, { resolveRecords }),
    startMailServer(),
    startMailSink('unused'),
  ]);
});
afterAll(async () => {
  await house?.stop();
  await server?.close();
  await sink?.close();
});

const channel = (more: object = {}): object => ({
  channel_type: 'email',
  name: 'Approvals',
  smtp_host: '127.0.0.1',
  smtp_port: sink.port,
  smtp_use_tls: false,
  smtp_from_address: HOUSE,
  reply_to: INBOUND,
  ...more,
});
const mailbox = (): OpenMailbox => ({
  ...NO_MAILBOX,
  since: new Date().toISOString(),
  isEnabled: true,
  host: '127.0.0.1',
  port: server.dovecot.port,
  username: LOGIN.user,
  useSsl: false,
  hasPassword: true,
  replyTo: INBOUND,
});
const nothingIsRead = (): Promise<void> =>
  vi.waitFor(
    async () =>
      expect(await (await fetch(`${house.service.url}/metrics`)).text()).toMatch(
        /^lineclear_mailboxes_open\S* 0$/mu,
      ),
    PATIENT,
  );
const parts = { allowed: parseNetworks('127.0.0.0/8'), timeoutMs: 5_000 };

it('shows a mailbox without its password, which the secrets service keeps', async () => {
  const { body: made } = await house.admin.post(CHANNELS, channel({ ...server.fields, imap_enabled: false }));
  const shown = {
    imap_enabled: false,
    imap_host: '127.0.0.1',
    imap_port: server.dovecot.port,
    imap_username: LOGIN.user,
    has_imap_password: true,
    imap_use_ssl: false,
    imap_folder: 'INBOX',
    reply_sender_check: 'dmarc',
    reply_arc_sealers: [],
  };
  expect(made).toMatchObject(shown);
  expect(JSON.stringify(made)).not.toContain(LOGIN.pass);
  expect(house.secrets.values.get(`channel.${made.id}.imap_password`)).toBe(LOGIN.pass);
  const { body: moved } = await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_folder: 'Answers' });
  expect(moved).toMatchObject({ ...shown, imap_folder: 'Answers' });
  const { body: without } = await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_password: null });
  expect(without).toMatchObject({ has_imap_password: false, imap_host: '127.0.0.1' });
  expect(house.secrets.values.has(`channel.${made.id}.imap_password`)).toBe(false);
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_password: LOGIN.pass });
  expect((await house.admin.delete(`${CHANNELS}/${made.id}`)).status).toBe(204);
  expect(house.secrets.values.has(`channel.${made.id}.imap_password`)).toBe(false);
  const { body: plain } = await house.admin.post(CHANNELS, channel());
  expect(plain).toMatchObject({ imap_enabled: false });
  expect(plain).not.toHaveProperty('imap_port');
  await house.admin.delete(`${CHANNELS}/${plain.id}`);
});

it('takes no mailbox that it could not, or must not, read', async () => {
  const whole = { ...channel(), ...server.fields };
  await refusesBadInput(house.admin.post, CHANNELS, whole, [
    ['imap_host', { ...whole, imap_host: undefined }],
    ['imap_username', { ...whole, imap_username: undefined }],
    ['imap_password', { ...whole, imap_password: undefined }],
    ['reply_to', { ...whole, reply_to: undefined }],
    ['imap_host', { ...whole, imap_host: '10.0.0.1' }],
    ['imap_host', { ...whole, imap_host: '169.254.169.254' }],
    ['imap_host', { ...whole, imap_host: 'a b' }],
    ['imap_port', { ...whole, imap_port: 0 }],
    ['imap_username', { ...whole, imap_username: 'a\r\nb' }],
    ['imap_password', { ...whole, imap_password: 'a\r\nb' }],
    ['imap_folder', { ...whole, imap_folder: 'a\r\nb' }],
    ['imap_enabled', { ...whole, imap_enabled: 'yes' }],
    ['reply_arc_sealers', { ...whole, reply_arc_sealers: 'sealer.test' }],
    ['reply_arc_sealers', { ...whole, reply_arc_sealers: ['sealer.test', 'a b.test'] }],
    ['reply_arc_sealers', { ...whole, reply_arc_sealers: ['test'] }],
    ['reply_arc_sealers', { ...whole, reply_arc_sealers: ['*.test'] }],
    ['reply_arc_sealers', { ...whole, reply_arc_sealers: ['sealer.test', ' Sealer.Test'] }],
    [
      'reply_arc_sealers',
      { ...whole, reply_arc_sealers: Array.from({ length: 21 }, (_, n) => `n${n}.test`) },
    ],
  ]);
  const { body } = await house.admin.post(CHANNELS, channel());
  await refusesBadInput(house.admin.patch, `${CHANNELS}/${body.id}`, { name: 'Approvals' }, [
    ['imap_host', { imap_enabled: true }],
    ['imap_host', { imap_host: '10.0.0.1' }],
  ]);
  // Nor goes what a mailbox that is read cannot do without.
  expect((await house.admin.patch(`${CHANNELS}/${body.id}`, server.fields)).status).toBe(200);
  await refusesBadInput(house.admin.patch, `${CHANNELS}/${body.id}`, { name: 'Approvals' }, [
    ['reply_to', { reply_to: null }],
    ['imap_password', { imap_password: null }],
    ['imap_password', { imap_host: 'elsewhere.test' }],
  ]);
  const { body: closed } = await house.admin.patch(`${CHANNELS}/${body.id}`, {
    imap_enabled: false,
    reply_to: null,
  });
  expect(closed).toMatchObject({ imap_enabled: false, has_imap_password: true });
  await house.admin.delete(`${CHANNELS}/${body.id}`);
});

it('goes to no address that is forbidden, whatever its name says when it is asked', async () => {
  const open = (host: string) =>
    openImap({ ...mailbox(), host }, new Secret(LOGIN.pass), {
      ...parts,
      resolve: (_host, _options, done) => done(null, [{ address: '10.0.0.1', family: 4 }]),
    });
  await expect(open('10.0.0.1')).rejects.toThrow('not a public address');
  await expect(open('mail.lineclear.test')).rejects.toThrow('not a public address');
});

it('tells by a test whether the mailbox can be read, and reads once it can', async () => {
  const wrong = channel({ ...server.fields, imap_password: 'wrong' });
  const { body: made } = await house.admin.post(CHANNELS, wrong);
  const test = async (): Promise<{ success: boolean; error?: string }> =>
    (await house.admin.post(`${CHANNELS}/${made.id}/test`, { recipient: 'ada@team.test' })).body;
  expect(await test()).toMatchObject({
    success: false,
    error: expect.stringContaining('the mail server refused the login'),
  });
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_password: LOGIN.pass, imap_folder: 'Nowhere' });
  expect(await test()).toMatchObject({ success: false, error: expect.stringContaining('cannot be read') });
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_folder: 'INBOX' });
  expect(await test()).toMatchObject({ success: true });
  await isBeingRead(house, made.id);
  const { address } = newReplyAddress();
  await server.deliver(await write({ to: address, messageId: '<read@team.test>' }), address);
  await vi.waitFor(async () => expect((await house.admin.get(REPLIES)).body.total).toBe(1), PATIENT);
  // Switched off it reads no more: what comes then is there for the next one.
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_enabled: false });
  await nothingIsRead();
  await server.deliver(await write({ to: address, messageId: '<unread@team.test>' }), address);
  expect((await house.admin.get(REPLIES)).body.total).toBe(1);
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_enabled: true });
  await vi.waitFor(async () => expect((await house.admin.get(REPLIES)).body.total).toBe(2), PATIENT);
  await house.admin.delete(`${CHANNELS}/${made.id}`);
});

it('reads what came since it was given the mailbox, though nobody could look before, and nothing older', async () => {
  await nothingIsRead();
  const [older, answer] = [newReplyAddress().address, newReplyAddress().address];
  const yesterday = new Date(Date.now() - 86_400_000);
  const old = await write({ to: older, messageId: '<older@team.test>' });
  await server.as((client) => client.append('INBOX', old, [], yesterday));
  const wrong = channel({ ...server.fields, imap_password: 'wrong' });
  const { body: made } = await house.admin.post(CHANNELS, wrong);
  await server.deliver(await write({ to: answer, messageId: '<between@team.test>' }), answer);
  await house.admin.patch(`${CHANNELS}/${made.id}`, { imap_password: LOGIN.pass });
  await isBeingRead(house, made.id);
  const mine = async (): Promise<string[]> =>
    (await house.admin.get(`${REPLIES}?limit=500`)).body.replies
      .filter((one: { channel_id: number }) => one.channel_id === made.id)
      .map((one: { message_id: string }) => one.message_id);
  await vi.waitFor(async () => expect(await mine()).toEqual(['<between@team.test>']), PATIENT);
  await house.admin.delete(`${CHANNELS}/${made.id}`);
});

it('reads on with a password that was changed where it is kept', async () => {
  const wrong = channel({ ...server.fields, imap_password: 'wrong' });
  const { body: made } = await house.admin.post(CHANNELS, wrong);
  const name = `channel.${made.id}.imap_password`;
  house.secrets.values.set(name, LOGIN.pass);
  await house.peer.publish(secretChanged, { name, version: 2 });
  await isBeingRead(house, made.id);
  const { address } = newReplyAddress();
  await server.deliver(await write({ to: address, messageId: '<changed@team.test>' }), address);
  await vi.waitFor(async () => {
    const { body } = await house.admin.get(REPLIES);
    expect(body.replies).toContainEqual(
      expect.objectContaining({ channel_id: made.id, message_id: '<changed@team.test>' }),
    );
  }, PATIENT);
});

it('speaks TLS to a server whose certificate somebody vouches for, and to no other', async () => {
  const pem = (name: string): string =>
    readFileSync(new URL(`../../auth/test/certificates/${name}`, import.meta.url), 'utf8');
  const secure = await startMailServer({ certificate: pem('server.pem'), key: pem('server.key') });
  try {
    const box = { ...mailbox(), port: secure.dovecot.port, useSsl: true };
    await expect(openImap(box, new Secret(LOGIN.pass), parts)).rejects.toThrow(/certificate/);
    expect(await secure.counts()).toMatchObject({ INBOX: 0 });
  } finally {
    await secure.close();
  }
});

it('waits longer and longer after a wrong password, and starts anew once it was right', async () => {
  const waits: number[] = [];
  const stop = new AbortController();
  const passwords = ['wrong', 'wrong', 'wrong', LOGIN.pass, 'wrong'];
  await keepReading(
    {
      read: async (_stop, opened) => {
        const client = await openImap(mailbox(), new Secret(passwords[waits.length]!), parts);
        opened();
        client.close();
      },
      failed: (error) => expect((error as Error).message).toMatch(/refused the login|ended the connection/),
      pause: (ms) => {
        waits.push(ms);
        if (waits.length === passwords.length) stop.abort();
        return Promise.resolve();
      },
      random: () => 0.5,
    },
    stop.signal,
  );
  expect(waits).toEqual([1_000, 2_000, 4_000, 1_000, 2_000]);
});
