import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

const BASE = '/api/cloud/notifications';
const CHANNELS = `${BASE}/channels`;
const PREFERENCES = `${BASE}/preferences`;
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

const webhook = () => ({ channel_type: 'webhook', name: 'CI', webhook_url: `${house.receiver.url}/ci` });
const email = {
  channel_type: 'email',
  name: 'Primary Email',
  smtp_host: '127.0.0.1',
  smtp_port: 2525,
  smtp_use_tls: true,
};

it('refuses bad input on every route and writes nothing', async () => {
  const hook = (await house.admin.post(CHANNELS, webhook())).body.id as number;
  const mail = (await house.admin.post(CHANNELS, email)).body.id as number;
  const preference = (await house.admin.post(PREFERENCES, { event_type: '*', channel_id: hook })).body
    .id as number;
  const snapshot = () =>
    house.service.database.query(
      'select (select json_agg(c) from channel c) as c, (select json_agg(p) from preference p) as p',
    );
  const before = JSON.stringify(await snapshot());
  const long = 'x'.repeat(3_000);

  await refusesBadInput(house.admin.post, CHANNELS, webhook(), [
    ['channel_type', {}],
    ['channel_type', { ...webhook(), channel_type: 'pigeon' }],
    ['name', { ...webhook(), name: undefined }],
    ['name', { ...webhook(), name: '' }],
    ['name', { ...webhook(), name: long }],
    ['name', { ...webhook(), name: 'a\r\nBcc: b' }],
    ['name', { ...webhook(), name: 7 }],
    ['webhook_url', { ...webhook(), webhook_url: undefined }],
    ['webhook_url', { ...webhook(), webhook_url: 'ftp://a.b/' }],
    ['webhook_url', { ...webhook(), webhook_url: 'https://user:secret@a.b/' }],
    ['webhook_url', { ...webhook(), webhook_url: 'not a url' }],
    ['webhook_url', { ...webhook(), webhook_url: `https://a.b/${long}` }],
    ['webhook_secret', { ...webhook(), webhook_secret: 'whsec_c2hvcnQ=' }],
    ['webhook_secret', { ...webhook(), webhook_secret: null }],
    ['is_enabled', { ...webhook(), is_enabled: 'yes' }],
    ['smtp_host', { ...webhook(), smtp_host: 'a.b' }],
    ['smtp_host', { ...email, smtp_host: 'a b' }],
    ['smtp_port', { ...email, smtp_port: 0 }],
    ['smtp_port', { ...email, smtp_port: '587' }],
    ['smtp_username', { ...email, smtp_password: 'x' }],
    ['smtp_password', { ...email, smtp_username: 'x', smtp_password: long }],
    ['smtp_use_tls', { ...email, smtp_use_tls: 1 }],
    ['smtp_from_address', { ...email, smtp_from_address: 'nobody' }],
    ['smtp_from_name', { ...email, smtp_from_name: 'a\nb' }],
  ]);
  await refusesBadInput(house.admin.patch, `${CHANNELS}/${hook}`, { name: 'x' }, [
    ['smtp_host', { smtp_host: '127.0.0.1' }],
    ['channel_type', { channel_type: 'email' }],
    ['webhook_secret', { webhook_secret: '' }],
  ]);
  await refusesBadInput(house.admin.patch, `${CHANNELS}/${mail}`, { name: 'x' }, [
    ['webhook_url', { webhook_url: 'http://127.0.0.1/' }],
    ['smtp_port', { smtp_port: null }],
  ]);
  await refusesBadInput(house.admin.post, `${CHANNELS}/${mail}/test`, {}, [
    ['recipient', { recipient: 'nobody' }],
  ]);
  expectProblem(
    await house.admin.post(`${CHANNELS}/${hook}/test`, { recipient: 'a@b.cd' }),
    'hook test',
    'recipient',
  );
  const good = { event_type: 'job.*', channel_id: hook };
  await refusesBadInput(house.admin.post, PREFERENCES, good, [
    ['event_type', { channel_id: hook }],
    ['event_type', { ...good, event_type: 'job.unheard_of' }],
    ['event_type', { ...good, event_type: long }],
    ['channel_id', { event_type: '*' }],
    ['channel_id', { ...good, channel_id: 999_999 }],
    ['channel_id', { ...good, channel_id: String(hook) }],
    ['min_severity', { ...good, min_severity: 'loud' }],
    ['is_enabled', { ...good, is_enabled: null }],
    ['recipients', { ...good, recipients: ['a@b.cd'] }],
    ['recipients', { ...good, channel_id: mail }],
    ['recipients', { ...good, channel_id: mail, recipients: ['nobody'] }],
    [
      'recipients',
      { ...good, channel_id: mail, recipients: Array.from({ length: 51 }, (_, n) => `a${n}@b.cd`) },
    ],
  ]);
  await refusesBadInput(house.admin.patch, `${PREFERENCES}/${preference}`, {}, [
    ['event_type', { event_type: '' }],
    ['channel_id', { channel_id: 999_999 }],
    ['recipients', { channel_id: mail }],
  ]);
  for (const [path, field] of [
    [`${CHANNELS}/x`, 'id'],
    [`${CHANNELS}/0`, 'id'],
    [`${CHANNELS}/99999999999`, 'id'],
    [`${CHANNELS}?limit=0`, 'limit'],
    [`${CHANNELS}?nonsense=1`, 'nonsense'],
    [`${PREFERENCES}/x`, 'id'],
    [`${BASE}/history?job_id=x`, 'job_id'],
    [`${BASE}/history?status=lost`, 'status'],
    [`${BASE}/history?cursor=1`, 'cursor'],
    [`${BASE}/history?limit=501`, 'limit'],
    [`${BASE}/deliveries?event_type=job.unheard_of`, 'event_type'],
    [`${BASE}/deliveries?since=yesterday`, 'since'],
    [`${BASE}/deliveries?event_id=1`, 'event_id'],
    [`${BASE}/events/1`, 'event_id'],
    [`${BASE}/deliveries?until=7`, 'until'],
  ] as const) {
    expectProblem(await house.admin.get(path), path, field);
  }
  expectProblem(await house.admin.post(`${BASE}/deliveries/x/resend`), 'resend', 'id');
  expect((await house.admin.post(`${BASE}/deliveries/${crypto.randomUUID()}/resend`)).status).toBe(404);
  for (const path of [`${CHANNELS}/999999`, `${PREFERENCES}/999999`]) {
    expect([
      (await house.admin.get(path)).status,
      (await house.admin.patch(path, {})).status,
      (await house.admin.delete(path)).status,
    ]).toEqual([404, 404, 404]);
  }
  expect(JSON.stringify(await snapshot())).toBe(before);
});

it('is for those who may configure, on every route', async () => {
  const routes: [keyof House['admin'], string][] = [
    ['get', CHANNELS],
    ['post', CHANNELS],
    ['get', `${CHANNELS}/1`],
    ['patch', `${CHANNELS}/1`],
    ['delete', `${CHANNELS}/1`],
    ['post', `${CHANNELS}/1/test`],
    ['post', `${CHANNELS}/1/rotate-secret`],
    ['post', `${CHANNELS}/1/recover`],
    ['get', PREFERENCES],
    ['post', PREFERENCES],
    ['get', `${PREFERENCES}/1`],
    ['patch', `${PREFERENCES}/1`],
    ['delete', `${PREFERENCES}/1`],
    ['get', `${BASE}/events`],
    ['get', `${BASE}/event-types`],
    ['get', `${BASE}/events/${crypto.randomUUID()}`],
    ['get', `${BASE}/presets`],
    ['get', `${BASE}/status`],
    ['get', `${BASE}/history`],
    ['get', `${BASE}/deliveries`],
    ['post', `${BASE}/deliveries/${crypto.randomUUID()}/resend`],
  ];
  const lead = house.as(house.folk.add('lead').token);
  for (const [method, path] of routes) {
    expect((await house.as(undefined)[method](path)).status, `${method} ${path}`).toBe(401);
    expect((await lead[method](path)).status, `${method} ${path}`).toBe(403);
  }
});
