import type { ServerResponse } from 'node:http';
import { auditRecorded, jobCompleted, webhookFailure } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, historyOf, newJobId, openHouse, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const CHANNELS = `${BASE}/channels`;
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

const chat = (type: string, path: string, more: object = {}) => ({
  channel_type: type,
  name: `${type} ${path}`,
  webhook_url: `${house.receiver.url}${path}`,
  max_per_second: 100,
  ...more,
});

/** A channel that is told of completed jobs. */
async function chatFor(type: string, path: string, more: object = {}): Promise<number> {
  const { status, body } = await house.admin.post(CHANNELS, chat(type, path, more));
  expect(status).toBe(201);
  await house.admin.post(`${BASE}/preferences`, { event_type: 'job.completed', channel_id: body.id });
  return body.id;
}
const lastOf = async (channelId: number) =>
  (await house.admin.get(`${BASE}/deliveries?channel_id=${channelId}`)).body.deliveries[0];
const bodiesAt = (path: string) => house.receiver.at(path).map(({ body }) => JSON.parse(body));

it('keeps the URL of a hook as the secret that it is', async () => {
  const url = `${house.receiver.url}/services/canary-one`;
  const made = await house.admin.post(CHANNELS, chat('slack', '', { webhook_url: url }));
  expect(made).toMatchObject({
    status: 201,
    body: { channel_type: 'slack', webhook_host: '127.0.0.1', has_webhook_url: true, max_concurrent: 1 },
  });
  const { id } = made.body;
  expect(house.secrets.values.get(`channel.${id}.webhook_url`)).toBe(url);
  const shown = [made, await house.admin.get(`${CHANNELS}/${id}`), await house.admin.get(CHANNELS)];
  const other = `${house.receiver.url}/services/canary-two`;
  shown.push(await house.admin.patch(`${CHANNELS}/${id}`, { name: 'other', webhook_url: other }));
  expect(house.secrets.values.get(`channel.${id}.webhook_url`)).toBe(other);
  // An attempt that fails says nothing of it either.
  house.receiver.answer('/services/canary-two', statuses(500));
  await house.admin.post(`${BASE}/preferences`, { event_type: 'job.completed', channel_id: id });
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'failed' }), PATIENT);
  shown.push(await house.admin.get(`${BASE}/deliveries?channel_id=${id}`));
  expect(JSON.stringify(shown.map(({ body }) => body))).not.toContain('canary');
  for (const table of ['channel', 'delivery', 'delivery_attempt', 'outbox']) {
    const rows = await house.service.database.query(`select t::text as line from ${table} t`);
    expect(JSON.stringify(rows)).not.toContain('canary');
  }
  const told = [...house.peer.events(auditRecorded), ...house.peer.events(webhookFailure)];
  expect(JSON.stringify(told.map(({ data }) => data))).not.toContain('canary');
  expect((await house.admin.delete(`${CHANNELS}/${id}`)).status).toBe(204);
  expect([...house.secrets.values.keys()]).not.toContain(`channel.${id}.webhook_url`);
});

it.each([
  ['slack', (text: string) => ({ text, blocks: expect.any(Array) })],
  ['teams', () => ({ type: 'message', attachments: [{ content: { type: 'AdaptiveCard' } }] })],
  ['discord', (title: string) => ({ allowed_mentions: { parse: [] }, embeds: [{ title }] })],
])('writes to %s in its own form', async (type, form) => {
  const id = await chatFor(type, `/${type}`);
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(
    async () =>
      expect(await lastOf(id)).toMatchObject({
        status: 'sent',
        channel_type: type,
        attempts: [{ number: 1 }],
      }),
    PATIENT,
  );
  expect(bodiesAt(`/${type}`)).toEqual([expect.objectContaining({})]);
  expect(bodiesAt(`/${type}`)[0]).toMatchObject(form('Job completed: tiny'));
  expect(await house.admin.post(`${CHANNELS}/${id}/test`)).toMatchObject({ body: { success: true } });
  expect(JSON.stringify(bodiesAt(`/${type}`)[1])).toContain('This channel works.');
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it('refuses what is not of the platform, and what a chat does not have, naming the field', async () => {
  const before = (await house.admin.get(CHANNELS)).body.total;
  for (const webhook_url of [
    'https://example.org/services/T00/B00/x',
    'http://hooks.slack.com/services/T00/B00/x',
    'https://discord.com/api/webhooks/1/x',
    'https://10.0.0.1/services/x',
    'https://a:b@hooks.slack.com/services/x',
    'not a URL',
  ]) {
    const answer = await house.admin.post(CHANNELS, chat('slack', '', { webhook_url }));
    expectProblem(answer, webhook_url, 'webhook_url');
  }
  for (const [field, value] of [
    ['webhook_secret', 'whsec_x'],
    ['smtp_host', 'mail.example.org'],
    ['max_per_second', 0],
  ] as const) {
    const body = chat('discord', '/x', { [field]: value });
    expect((await house.admin.post(CHANNELS, body)).status, field).toBe(400);
  }
  expect((await house.admin.get(CHANNELS)).body.total).toBe(before);
  const id = await chatFor('discord', '/kept');
  for (const [path, body, field] of [
    [`${CHANNELS}/${id}`, { webhook_url: 'https://hooks.slack.com/x' }, 'webhook_url'],
    [`${CHANNELS}/${id}`, { smtp_host: '127.0.0.1' }, 'smtp_host'],
  ] as const) {
    const answer = await house.admin.patch(path, body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(field);
  }
  const preference = { event_type: 'job.failed', channel_id: id, recipients: ['a@example.org'] };
  expectProblem(await house.admin.post(`${BASE}/preferences`, preference), 'recipients', 'recipients');
  const recipient = { recipient: 'a@example.org' };
  expectProblem(await house.admin.post(`${CHANNELS}/${id}/test`, recipient), 'recipient', 'recipient');
  expectProblem(await house.admin.post(`${CHANNELS}/${id}/rotate-secret`), 'no keys', 'id');
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it.each([
  ['slack', 404, 'no_service'],
  ['discord', 404, '{"message":"Unknown Webhook","code":10015}'],
  ['teams', 410, ''],
])('gives up at once where a hook of %s is gone, until it has another', async (type, status, text) => {
  const path = `/gone/${type}`;
  const id = await chatFor(type, path);
  house.receiver.answer(path, (response) => void response.writeHead(status).end(text));
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'failed' }), PATIENT);
  expect(house.receiver.at(path)).toHaveLength(1);
  expect((await house.admin.get(`${CHANNELS}/${id}`)).body).toMatchObject({
    is_enabled: false,
    disabled_reason: expect.stringContaining('gone'),
  });
  const change = { webhook_url: `${house.receiver.url}${path}/new`, is_enabled: true };
  expect((await house.admin.patch(`${CHANNELS}/${id}`, change)).status).toBe(200);
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(() => expect(house.receiver.at(`${path}/new`)).toHaveLength(1), PATIENT);
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it.each([
  ['slack', { 'retry-after': '3600' }, 'ratelimited'],
  ['discord', {}, '{"message":"You are being rate limited.","retry_after":3600.5,"global":false}'],
])('waits as long as %s asks', async (type, headers, text) => {
  const path = `/busy/${type}`;
  const id = await chatFor(type, path);
  house.receiver.answer(path, (response) => void response.writeHead(429, headers).end(text));
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'retrying' }), PATIENT);
  const { next_attempt_at, attempts } = await lastOf(id);
  const waits = Date.parse(next_attempt_at) - Date.parse(attempts[0].ended_at);
  expect(waits).toBeGreaterThan(3_500_000);
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it('tries again what was not taken, and gives up what never will be', async () => {
  const id = await chatFor('slack', '/flaky');
  house.receiver.answer('/flaky', statuses(503, 200, 400));
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'sent' }), PATIENT);
  expect(house.receiver.at('/flaky')).toHaveLength(2);
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'failed' }), PATIENT);
  expect(house.receiver.at('/flaky')).toHaveLength(3);
  expect((await house.admin.get(`${CHANNELS}/${id}`)).body).toMatchObject({ is_enabled: true });
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it.each([
  ['one after the other, if nobody says otherwise', {}, 1],
  ['two at once, if somebody does', { max_concurrent: 2 }, 2],
])('sends no more at once than a channel takes: %s', async (_, more, most) => {
  const path = `/slow/${most}`;
  const id = await chatFor('slack', path, more);
  const held: ServerResponse[] = [];
  house.receiver.answer(path, (response) => void held.push(response));
  const jobs = [newJobId(), newJobId(), newJobId()];
  await Promise.all(jobs.map((jobId) => house.peer.publish(jobCompleted, completed(jobId))));
  const waiting = async () =>
    (await historyOf(house, id)).filter(({ waits_for }) => waits_for === 'concurrency').length;
  await vi.waitFor(async () => {
    expect(held).toHaveLength(most);
    expect(await waiting()).toBe(3 - most);
  }, PATIENT);
  house.receiver.answer(path, statuses(200));
  for (const response of held) response.writeHead(200).end('ok');
  await vi.waitFor(
    async () =>
      expect((await historyOf(house, id)).map(({ status }) => status)).toEqual(['sent', 'sent', 'sent']),
    PATIENT,
  );
  await house.admin.delete(`${CHANNELS}/${id}`);
});

it('knows what each platform takes per second, and another number if it is given', async () => {
  const made = async (body: object) => (await house.admin.post(CHANNELS, body)).body;
  for (const [type, most] of [
    ['slack', 1],
    ['teams', 4],
    ['discord', 2],
  ] as const) {
    const { id, max_per_second } = await made(chat(type, '/paced', { max_per_second: undefined }));
    expect(max_per_second).toBe(most);
    const changed = await house.admin.patch(`${CHANNELS}/${id}`, { max_per_second: 7 });
    expect(changed.body).toMatchObject({ max_per_second: 7, max_concurrent: 1 });
    await house.admin.delete(`${CHANNELS}/${id}`);
  }
});

it('is among the channels that the status counts by type', async () => {
  const ids = [];
  for (const type of ['slack', 'teams', 'discord'])
    ids.push((await house.admin.post(CHANNELS, chat(type, '/counted'))).body.id);
  const { channels } = (await house.admin.get(`${BASE}/status`)).body;
  expect(channels.by_type).toMatchObject({ webhook: 0, email: 0, teams: 1, discord: 1 });
  const counts = Object.values(channels.by_type as Record<string, number>);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(channels.total);
  for (const id of ids) await house.admin.delete(`${CHANNELS}/${id}`);
});

it('loses nothing while the secrets service is away', async () => {
  const id = await chatFor('discord', '/patient');
  house.secrets.down();
  expect((await house.admin.post(CHANNELS, chat('discord', '/nobody'))).status).toBe(503);
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(
    async () => expect((await lastOf(id))?.error).toEqual(expect.stringContaining('secrets')),
    PATIENT,
  );
  expect(house.receiver.at('/patient')).toHaveLength(0);
  house.secrets.up();
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'sent' }), PATIENT);
  await house.admin.delete(`${CHANNELS}/${id}`);
});
