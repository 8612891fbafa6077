import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openHouse, type House } from './house.js';

const BASE = '/api/cloud/notifications';
const CHANNELS = `${BASE}/channels`;
const PREFERENCES = `${BASE}/preferences`;
const CANARY = `whsec_${Buffer.from('canary-canary-canary-canary-canary').toString('base64')}`;
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
const rowsOf = async (table: string): Promise<number> =>
  (await house.service.database.query(`select 1 from ${table}`)).length;

it('keeps a channel from its making to its end, and its secret elsewhere', async () => {
  const made = await house.admin.post(CHANNELS, webhook());
  expect(made).toMatchObject({
    status: 201,
    body: { channel_type: 'webhook', name: 'CI', is_enabled: true, has_webhook_secret: true },
  });
  const { id, webhook_secret } = made.body;
  expect(webhook_secret).toMatch(/^whsec_/);
  expect(house.secrets.values.get(`channel.${id}.webhook_secret`)).toBe(webhook_secret);
  const shown = await house.admin.get(`${CHANNELS}/${id}`);
  expect(shown.body).not.toHaveProperty('webhook_secret');
  expect((await house.admin.get(CHANNELS)).body).toMatchObject({ channels: [shown.body], total: 1 });

  const changed = await house.admin.patch(`${CHANNELS}/${id}`, { name: 'CD', webhook_secret: CANARY });
  expect(changed).toMatchObject({
    status: 200,
    body: { id, name: 'CD', webhook_url: `${house.receiver.url}/ci` },
  });
  expect(house.secrets.values.get(`channel.${id}.webhook_secret`)).toBe(CANARY);
  expect(await house.admin.post(`${CHANNELS}/${id}/test`)).toMatchObject({
    status: 200,
    body: { success: true, latency_ms: expect.any(Number) },
  });
  expect(JSON.parse(house.receiver.at('/ci')[0]!.body)).toMatchObject({
    type: 'channel.test',
    data: { channel_id: id },
  });

  const preference = await house.admin.post(PREFERENCES, { event_type: 'job.*', channel_id: id });
  expect(preference).toMatchObject({
    status: 201,
    body: { id: expect.any(Number), is_enabled: true, recipients: [], min_severity: 'info' },
  });
  expect((await house.admin.delete(`${CHANNELS}/${id}`)).status).toBe(204);
  expect((await house.admin.get(`${CHANNELS}/${id}`)).status).toBe(404);
  expect((await house.admin.get(PREFERENCES)).body).toEqual({ preferences: [], total: 0 });
  expect(house.secrets.values.size).toBe(0);
});

it('takes a mail channel as the guide prints it, and a secret that is given is not shown', async () => {
  const made = await house.admin.post(CHANNELS, email);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    smtp_port: 2525,
    smtp_use_tls: true,
    has_smtp_password: false,
    smtp_from_address: 'lineclear@localhost',
  });
  const withLogin = await house.admin.post(CHANNELS, {
    ...email,
    smtp_username: 'ops@example.org',
    smtp_password: 'canary-password',
  });
  expect(withLogin.body).toMatchObject({ has_smtp_password: true, smtp_from_address: 'ops@example.org' });
  expect(JSON.stringify(withLogin.body)).not.toContain('canary');
  const given = await house.admin.post(CHANNELS, { ...webhook(), webhook_secret: CANARY });
  expect(given.body).not.toHaveProperty('webhook_secret');
  const cleared = await house.admin.patch(`${CHANNELS}/${withLogin.body.id}`, {
    smtp_password: null,
    smtp_port: 587,
  });
  expect(cleared.body).toMatchObject({
    has_smtp_password: false,
    smtp_port: 587,
    smtp_username: 'ops@example.org',
  });
  expect(house.secrets.values.has(`channel.${withLogin.body.id}.smtp_password`)).toBe(false);
  for (const table of ['channel', 'preference', 'delivery', 'delivery_attempt', 'outbox']) {
    const rows = await house.service.database.query(`select t::text as line from ${table} t`);
    expect(JSON.stringify(rows)).not.toMatch(/canary|Y2FuYXJ5/);
  }
});

it('keeps no password that it would not log in with, and no login without one that is to be kept', async () => {
  const { body: open } = await house.admin.post(CHANNELS, email);
  expectProblem(
    await house.admin.patch(`${CHANNELS}/${open.id}`, { smtp_password: 'unused' }),
    'a password without a user name',
    'smtp_username',
  );
  const login = { smtp_username: 'ops', smtp_password: 'canary-password' };
  expect((await house.admin.patch(`${CHANNELS}/${open.id}`, login)).status).toBe(200);
  expectProblem(
    await house.admin.patch(`${CHANNELS}/${open.id}`, { smtp_username: null }),
    'a user name that leaves its password behind',
    'smtp_username',
  );
  const without = { smtp_username: null, smtp_password: null };
  expect((await house.admin.patch(`${CHANNELS}/${open.id}`, without)).body).toMatchObject({
    has_smtp_password: false,
  });
});

it('makes, changes and deletes nothing with a secret while the secrets service is away', async () => {
  const { body } = await house.admin.post(CHANNELS, webhook());
  const before = await rowsOf('channel');
  house.secrets.down();
  for (const answer of [
    await house.admin.post(CHANNELS, webhook()),
    await house.admin.patch(`${CHANNELS}/${body.id}`, { name: 'other', webhook_secret: CANARY }),
    await house.admin.delete(`${CHANNELS}/${body.id}`),
  ]) {
    expect(answer.status).toBe(503);
  }
  expect(await rowsOf('channel')).toBe(before);
  expect((await house.admin.get(`${CHANNELS}/${body.id}`)).body).toMatchObject({ name: 'CI' });
  // A test that cannot be sent says why; a channel without a secret needs nobody.
  expect((await house.admin.post(`${CHANNELS}/${body.id}/test`)).body).toMatchObject({
    success: false,
    error: expect.stringContaining('secrets'),
  });
  expect((await house.admin.post(CHANNELS, email)).status).toBe(201);
  house.secrets.up();
});

it('refuses targets inside networks that are not allowed, naming the field', async () => {
  const before = await rowsOf('channel');
  for (const host of [
    '10.0.0.1',
    '167772161',
    '169.254.169.254',
    '[::1]',
    '0xa9fea9fe',
    '[::ffff:10.0.0.1]',
    '168.63.129.16',
  ]) {
    expectProblem(
      await house.admin.post(CHANNELS, { ...webhook(), webhook_url: `http://${host}/x` }),
      host,
      'webhook_url',
    );
  }
  expectProblem(await house.admin.post(CHANNELS, { ...email, smtp_host: '10.0.0.1' }), 'smtp', 'smtp_host');
  expect(await rowsOf('channel')).toBe(before);
  const { body } = await house.admin.post(CHANNELS, webhook());
  expectProblem(
    await house.admin.patch(`${CHANNELS}/${body.id}`, { webhook_url: 'http://192.168.0.1/' }),
    'patch',
    'webhook_url',
  );
});

it('changes a preference of a channel that is being deleted, or finds it gone', async () => {
  const { body: channel } = await house.admin.post(`${BASE}/channels`, {
    channel_type: 'webhook',
    name: 'short-lived',
    webhook_url: house.receiver.url,
  });
  const { body: preference } = await house.admin.post(`${BASE}/preferences`, {
    event_type: 'job.failed',
    channel_id: channel.id,
  });
  const { database } = house.service;
  const waiting = async (): Promise<number> => {
    const [row] = await database.query<{ count: number }>(
      `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return row!.count;
  };
  const answers = await database.tx(async (tx) => {
    await tx.query('select 1 from preference where id = $1 for update', [preference.id]);
    const change = house.admin.patch(`${BASE}/preferences/${preference.id}`, { min_severity: 'error' });
    await vi.waitFor(async () => expect(await waiting()).toBe(1));
    const remove = house.admin.delete(`${BASE}/channels/${channel.id}`);
    await vi.waitFor(async () => expect(await waiting()).toBe(2));
    return [change, remove];
  });
  expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 204]);
});

it('names the types that there are to one that is none', async () => {
  const answer = await house.admin.post(CHANNELS, { ...webhook(), channel_type: 'pigeon' });
  expectProblem(answer, 'pigeon', 'channel_type');
  expect(answer.body.detail).toContain('webhook, email, slack, teams, discord');
});

it('shows what there is to choose from and how it goes', async () => {
  const events = (await house.admin.get(`${BASE}/events`)).body.event_types;
  expect(events).toContainEqual({ id: 'job.failed', name: 'Job failed', category: 'job', severity: 'error' });
  const types = (await house.admin.get(`${BASE}/event-types`)).body.event_types;
  expect(types.map(({ id }: { id: string }) => id)).toEqual(events.map(({ id }: { id: string }) => id));
  expect(types).toContainEqual(
    expect.objectContaining({
      id: 'job.failed',
      severity: 'error',
      description: expect.any(String),
      data_schema: expect.objectContaining({ required: expect.arrayContaining(['job_id', 'reason']) }),
      example: {
        type: 'job.failed',
        timestamp: expect.any(String),
        data: expect.objectContaining({ reason: 'run_failed' }),
      },
    }),
  );
  expect(
    (await house.admin.get(`${BASE}/presets`)).body.presets.map((preset: { id: string }) => preset.id),
  ).toEqual(['gmail', 'outlook', 'yahoo', 'fastmail', 'protonmail']);
  const total = await rowsOf('channel');
  const { body } = await house.admin.get(`${BASE}/status`);
  expect(body).toMatchObject({
    channels: { total, enabled: total },
    deliveries: { pending: 0, retrying: 0, sent: 0, failed: 0 },
  });
  expect(body.channels.by_type.webhook + body.channels.by_type.email).toBe(total);
  const first = (await house.admin.get(`${CHANNELS}?limit=2`)).body;
  const second = (await house.admin.get(`${CHANNELS}?limit=2&cursor=${first.next_cursor}`)).body;
  expect(second.channels[0].id).toBeGreaterThan(first.channels[1].id);
});

it('has tables as its entities say', async () => {
  const { upQueries } = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});
