import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';
import {
  HOUSE,
  INBOUND,
  LOGIN,
  newReplyAddress,
  resolveRecords,
  startMailServer,
  write,
} from './mail-server.js';
import type { MailServer } from './mail-server.js';
import { startMailSink, type MailSink } from './mail-sink.js';
import { isBeingRead, PATIENT } from './mailbox-house.js';
import { give, startTokenServer, tokenFor, type TokenServer } from './token-server.js';

const CHANNELS = '/api/cloud/notifications/channels';
const KEY = 'the-key-that-dovecot-takes-tokens-of';
const SECRET = 'canary-of-the-client';
const REFRESH = 'canary-of-the-refresh';
let house: House;
let server: MailServer;
let sink: MailSink;
let tokens: TokenServer;
/** What was shown to the SMTP server, and what it takes. */
const shown: string[] = [];
let taken: string | undefined;

beforeAll(async () => {
  [house, server, sink, tokens] = await Promise.all([
    openHouse({ DELIVERY_TIMEOUT_SECONDS: '1' }, { resolveRecords }),
    startMailServer(undefined, KEY),
    startMailSink('unused', {
      authMethods: ['XOAUTH2'],
      onAuth({ accessToken = '' }, _session, done) {
        shown.push(accessToken);
        if (taken === undefined || accessToken === taken) done(null, { user: 'lineclear' });
        else done(null, { data: { status: '401', schemes: 'bearer' } } as never);
      },
    }),
    startTokenServer(),
  ]);
});
afterAll(async () => {
  await house?.stop();
  await server?.close();
  await sink?.close();
  await tokens?.close();
});
beforeEach(() => {
  shown.length = 0;
  tokens.asked.length = 0;
  taken = undefined;
});

const good = (more: object = {}) =>
  give({ access_token: tokenFor(LOGIN.user, KEY), expires_in: 3_600, ...more });
const channel = (more: object = {}): Record<string, unknown> => ({
  channel_type: 'email',
  name: 'Approvals',
  smtp_host: '127.0.0.1',
  smtp_port: sink.port,
  smtp_username: LOGIN.user,
  smtp_use_tls: false,
  smtp_from_address: HOUSE,
  reply_to: INBOUND,
  oauth_token_url: tokens.url,
  oauth_client_id: 'lineclear',
  oauth_client_secret: SECRET,
  oauth_scope: 'mail offline',
  ...more,
});
const mailbox = (): object => ({ ...server.fields, imap_password: undefined });
const add = async (more: object = {}): Promise<number> => {
  const made = await house.admin.post(CHANNELS, channel(more));
  expect(made.status).toBe(201);
  return made.body.id;
};
const test = async (id: number): Promise<{ success: boolean; error?: string }> =>
  (await house.admin.post(`${CHANNELS}/${id}/test`, { recipient: 'ada@team.test' })).body;

it('shows how tokens are got without the secrets, which the secrets service keeps', async () => {
  const { body: made } = await house.admin.post(CHANNELS, channel({ oauth_refresh_token: REFRESH }));
  expect(made).toMatchObject({
    oauth_token_url: tokens.url,
    oauth_client_id: 'lineclear',
    oauth_scope: 'mail offline',
    has_oauth_client_secret: true,
    has_oauth_refresh_token: true,
  });
  expect(JSON.stringify(made)).not.toContain('canary');
  const kept = (): string[] =>
    [...house.secrets.values.keys()].filter((name) => name.startsWith(`channel.${made.id}.oauth`));
  expect(kept()).toHaveLength(2);
  const { body: without } = await house.admin.patch(`${CHANNELS}/${made.id}`, { oauth_refresh_token: null });
  expect(without).toMatchObject({ has_oauth_refresh_token: false });
  expect(kept()).toEqual([`channel.${made.id}.oauth_client_secret`]);
  const nothing = {
    oauth_token_url: null,
    oauth_client_id: null,
    oauth_client_secret: null,
    oauth_scope: null,
    smtp_password: 'a password again',
  };
  const { body: back } = await house.admin.patch(`${CHANNELS}/${made.id}`, nothing);
  expect(back).toMatchObject({ has_smtp_password: true });
  expect(back).not.toHaveProperty('oauth_token_url');
  expect(kept()).toEqual([]);
  await house.admin.delete(`${CHANNELS}/${made.id}`);
});

it('takes no half of it, no password beside it, and no server that it must not ask', async () => {
  const whole = channel();
  await refusesBadInput(house.admin.post, CHANNELS, whole, [
    ['oauth_token_url', { ...whole, oauth_token_url: undefined }],
    ['oauth_client_id', { ...whole, oauth_client_id: undefined }],
    ['oauth_client_secret', { ...whole, oauth_client_secret: undefined }],
    ['oauth_token_url', { ...whole, oauth_token_url: 'http://login.example.org/token' }],
    ['oauth_token_url', { ...whole, oauth_token_url: 'https://10.0.0.1/token' }],
    ['oauth_refresh_token', { ...whole, oauth_refresh_token: 'a b' }],
    ['smtp_password', { ...whole, smtp_password: 'secret' }],
    ['imap_password', { ...whole, ...server.fields }],
    ['smtp_username', { ...whole, smtp_username: undefined }],
  ]);
});

it('sends with a token, which it asks for once, and with another one where that is refused', async () => {
  const id = await add();
  tokens.answer = give({ access_token: 'first', expires_in: 3_600 });
  expect(await Promise.all([test(id), test(id)])).toMatchObject([{ success: true }, { success: true }]);
  expect(tokens.asked).toEqual([
    {
      grant_type: 'client_credentials',
      client_id: 'lineclear',
      client_secret: SECRET,
      scope: 'mail offline',
    },
  ]);
  expect(new Set(shown)).toEqual(new Set(['first']));
  await house.admin.patch(`${CHANNELS}/${id}`, { name: 'Other' });
  let given = 0;
  tokens.answer = (res, form) => give({ access_token: (given += 1) === 1 ? 'old' : 'new' })(res, form);
  taken = 'new';
  expect(await test(id)).toMatchObject({ success: true });
  expect(shown.slice(-2)).toEqual(['old', 'new']);
  expect(given).toBe(2);
  // Never more often than that: it is the server's own words that are told.
  taken = 'none of these';
  await house.admin.patch(`${CHANNELS}/${id}`, { name: 'Third' });
  given = 0;
  const { success, error } = await test(id);
  expect([success, given]).toEqual([false, 2]);
  expect(error).toContain('535');
  expect(error).not.toMatch(/old|new/);
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it('asks anew once a token has ended, and keeps the refresh token that comes instead of the old one', async () => {
  const id = await add({ oauth_refresh_token: REFRESH });
  tokens.answer = give({ access_token: 'short', expires_in: 3_600, refresh_token: 'canary-of-the-next' });
  expect(await test(id)).toMatchObject({ success: true });
  expect(tokens.asked).toMatchObject([{ grant_type: 'refresh_token', refresh_token: REFRESH }]);
  expect(house.secrets.values.get(`channel.${id}.oauth_refresh_token`)).toBe('canary-of-the-next');
  house.clock.advanceHours(1);
  expect(await test(id)).toMatchObject({ success: true });
  expect(tokens.asked[1]).toMatchObject({ refresh_token: 'canary-of-the-next' });
  const rows = await house.service.database.query('select settings::text as text from channel');
  expect(JSON.stringify(rows)).not.toMatch(/canary|short/);
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it.each<[string, TokenServer['answer'], string]>([
  ['fails', give({}, 500), 'answered 500'],
  ['speaks no JSON', give('<html>'), 'no JSON object'],
  ['gives no token', give({ token_type: 'Bearer' }), 'gave no access_token'],
  ['says too much', give({ access_token: 'x', more: 'x'.repeat(1_048_576) }), 'no JSON object'],
  ['is slow', () => undefined, 'no answer in time'],
  [
    'refuses, and quotes what it was shown',
    give({ error: 'invalid_client', error_description: `who has ${SECRET}?` }, 401),
    'invalid_client: who has [hidden]?',
  ],
])('tells of a token server that %s, and reads once it does no more', async (_what, answer, told) => {
  tokens.answer = answer;
  const id = await add({ ...mailbox() });
  const { success, error } = await test(id);
  expect(success).toBe(false);
  expect(error).toContain(told);
  expect(error).toContain('the mailbox cannot be read');
  expect(error).not.toContain('canary');
  tokens.answer = good();
  await isBeingRead(house, id);
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it('reads with a token, and with another one in place of one that has ended', async () => {
  let given = 0;
  tokens.answer = (res, form) => {
    given += 1;
    return given === 1
      ? give({ access_token: tokenFor(LOGIN.user, KEY, -60) })(res, form)
      : good()(res, form);
  };
  const id = await add({ ...mailbox(), smtp_username: undefined });
  await isBeingRead(house, id);
  const { address } = newReplyAddress();
  await server.deliver(await write({ to: address, messageId: '<by-token@team.test>' }), address);
  await vi.waitFor(async () => {
    const { body } = await house.admin.get('/api/cloud/notifications/replies');
    expect(body.replies).toContainEqual(
      expect.objectContaining({ channel_id: id, message_id: '<by-token@team.test>' }),
    );
  }, PATIENT);
  expect(given).toBe(2);
  // One that is refused again and again is told, in the server's words, without it.
  const wrong = tokenFor(LOGIN.user, 'another key');
  tokens.answer = give({ access_token: wrong });
  await house.admin.patch(`${CHANNELS}/${id}`, { name: 'Refused' });
  const { error } = await test(id);
  expect(error).toContain('the mail server refused the login');
  expect(error).not.toContain(wrong);
  await house.admin.delete(`${CHANNELS}/${id}`);
});
