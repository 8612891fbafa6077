import { auditRecorded, jobCompleted, jobStarted } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { aboutJob, completed, newJobId, openHouse, type House } from './house.js';
import { startFakeSlack, type FakeSlack } from './fake-slack.js';

const BASE = '/api/cloud/notifications';
const CHANNELS = `${BASE}/channels`;
const PATIENT = { timeout: 20_000 };
const TOKEN = 'xoxb-canary-token';
let slack: FakeSlack;
let house: House;

beforeAll(async () => {
  slack = await startFakeSlack(TOKEN);
  house = await openHouse({ SLACK_API_URL: slack.url });
});
afterAll(async () => {
  await house?.stop();
  await slack?.close();
});

const app = (more: object = {}) => ({
  channel_type: 'slack',
  name: 'Training',
  bot_token: TOKEN,
  slack_channel: 'C0123456789',
  max_per_second: 100,
  ...more,
});

/** A channel that is told of jobs that begin and end. */
async function appFor(more: object = {}): Promise<number> {
  const { status, body } = await house.admin.post(CHANNELS, app(more));
  expect(status).toBe(201);
  await house.admin.post(`${BASE}/preferences`, { event_type: 'job.*', channel_id: body.id });
  return body.id;
}
const remove = (id: number) => house.admin.delete(`${CHANNELS}/${id}`);
const started = (jobId: string) => ({
  ...aboutJob(jobId),
  attempt: 1,
  started_at: '2026-01-01T00:00:00.000Z',
});
const lastOf = async (channelId: number) =>
  (await house.admin.get(`${BASE}/deliveries?channel_id=${channelId}`)).body.deliveries[0];
const messagesOf = (jobId: string) =>
  [...slack.messages.values()].filter((message) => JSON.stringify(message).includes(jobId));

it('keeps the token and the signing secret of an app as secrets', async () => {
  const made = await house.admin.post(CHANNELS, app({ signing_secret: 'canary-signing' }));
  expect(made).toMatchObject({
    status: 201,
    body: { slack_channel: 'C0123456789', has_bot_token: true, has_signing_secret: true },
  });
  const { id } = made.body;
  expect(house.secrets.values.get(`channel.${id}.bot_token`)).toBe(TOKEN);
  expect(house.secrets.values.get(`channel.${id}.signing_secret`)).toBe('canary-signing');
  expect(await house.admin.post(`${CHANNELS}/${id}/test`)).toMatchObject({ body: { success: true } });
  expect(slack.calls.at(-1)).toMatchObject({ method: 'chat.postMessage', token: TOKEN });
  const without = await house.admin.patch(`${CHANNELS}/${id}`, {
    signing_secret: null,
    slack_channel: 'C2222222222',
  });
  expect(without.body).toMatchObject({ slack_channel: 'C2222222222', has_signing_secret: false });
  expect(house.secrets.values.has(`channel.${id}.signing_secret`)).toBe(false);
  await house.admin.patch(`${CHANNELS}/${id}`, { signing_secret: 'canary-other' });
  const shown = [made, without, await house.admin.get(CHANNELS)].map(({ body }) => body);
  expect(JSON.stringify(shown)).not.toContain('canary');
  for (const table of ['channel', 'delivery', 'delivery_attempt', 'outbox']) {
    const rows = await house.service.database.query(`select t::text as line from ${table} t`);
    expect(JSON.stringify(rows)).not.toContain('canary');
  }
  expect(JSON.stringify(house.peer.events(auditRecorded).map(({ data }) => data))).not.toContain('canary');
  await remove(id);
  expect([...house.secrets.values.keys()].filter((name) => name.startsWith(`channel.${id}.`))).toEqual([]);
});

it('takes a hook or an app, whole, and names what is missing or too much', async () => {
  const hook = 'https://hooks.slack.com/services/T00/B00/x';
  for (const [field, body] of [
    ['webhook_url', { bot_token: undefined, slack_channel: undefined }],
    ['slack_channel', { slack_channel: undefined }],
    ['slack_channel', { slack_channel: '#general' }],
    ['bot_token', { bot_token: 'with space' }],
    ['bot_token', { webhook_url: hook }],
    [
      'signing_secret',
      { webhook_url: hook, bot_token: undefined, slack_channel: undefined, signing_secret: 's' },
    ],
  ] as const) {
    expectProblem(await house.admin.post(CHANNELS, app(body)), JSON.stringify(body), field);
  }
  const id = await appFor();
  const answer = await house.admin.patch(`${CHANNELS}/${id}`, { webhook_url: hook });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body)).toContain('webhook_url');
  await remove(id);
});

it('tells all of a job in one thread, and each job in its own', async () => {
  const id = await appFor();
  const [one, other] = [newJobId(), newJobId()];
  for (const jobId of [one, other]) {
    await house.peer.publish(jobStarted, started(jobId));
    await vi.waitFor(() => expect(messagesOf(jobId)).toHaveLength(1), PATIENT);
    await house.peer.publish(jobCompleted, completed(jobId));
    await vi.waitFor(() => expect(messagesOf(jobId)).toHaveLength(2), PATIENT);
  }
  for (const jobId of [one, other]) {
    const [first, second] = messagesOf(jobId);
    expect(first.thread_ts).toBeUndefined();
    expect(second.thread_ts).toBe(first.ts);
  }
  // Written in another place, it begins anew there.
  await house.admin.patch(`${CHANNELS}/${id}`, { slack_channel: 'C9999999999' });
  await house.peer.publish(jobCompleted, completed(one));
  await vi.waitFor(() => expect(messagesOf(one)).toHaveLength(3), PATIENT);
  expect(messagesOf(one)[2]).toMatchObject({ channel: 'C9999999999' });
  expect(messagesOf(one)[2].thread_ts).toBeUndefined();
  await remove(id);
});

it('opens one thread, though two messages come at once and to two replicas', async () => {
  const second = await house.another();
  const id = await appFor({ max_concurrent: 8 });
  const jobId = newJobId();
  const gate = slack.hold('chat.postMessage');
  await Promise.all([
    house.peer.publish(jobStarted, started(jobId)),
    house.peer.publish(jobCompleted, completed(jobId)),
  ]);
  // One is under way; the other was put back because of it.
  await vi.waitFor(async () => {
    expect(gate.waiting()).toBe(1);
    const { deliveries } = (await house.admin.get(`${BASE}/deliveries?channel_id=${id}`)).body;
    expect(JSON.stringify(deliveries)).toContain('another message of this job opens its thread');
  }, PATIENT);
  gate.letGo();
  await vi.waitFor(() => expect(messagesOf(jobId)).toHaveLength(2), PATIENT);
  expect(messagesOf(jobId).filter(({ thread_ts }) => thread_ts === undefined)).toHaveLength(1);
  await second.close();
  await remove(id);
});

it('opens a thread at the next attempt where the first failed, or somebody deleted it', async () => {
  const id = await appFor();
  const jobId = newJobId();
  slack.trouble('chat.postMessage', { error: 'internal_error' });
  await house.peer.publish(jobStarted, started(jobId));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'sent' }), PATIENT);
  const [first] = messagesOf(jobId);
  (slack.messages as Map<string, unknown>).delete(first.ts);
  await house.peer.publish(jobCompleted, completed(jobId));
  await vi.waitFor(() => expect(messagesOf(jobId)).toHaveLength(1), PATIENT);
  expect(messagesOf(jobId)[0].thread_ts).toBeUndefined();
  await remove(id);
});

it('waits as Slack asks, and gives up at once where the app is gone', async () => {
  const id = await appFor();
  slack.trouble('chat.postMessage', {
    status: 429,
    headers: { 'retry-after': '3600' },
    error: 'ratelimited',
  });
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'retrying' }), PATIENT);
  const { next_attempt_at, attempts } = await lastOf(id);
  expect(Date.parse(next_attempt_at) - Date.parse(attempts[0].ended_at)).toBeGreaterThan(3_500_000);
  slack.trouble('chat.postMessage', { error: 'token_revoked' });
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await lastOf(id)).toMatchObject({ status: 'failed' }), PATIENT);
  expect((await house.admin.get(`${CHANNELS}/${id}`)).body).toMatchObject({
    is_enabled: false,
    disabled_reason: expect.stringContaining('token_revoked'),
  });
  await remove(id);
});

it('has tables as its entities say', async () => {
  const { upQueries } = await house.service.database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
});
