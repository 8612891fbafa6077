import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  costExceeded,
  costWarning,
  deadLetter,
  jobCancelled,
  jobCompleted,
  jobFailed,
  jobStarted,
  jobSubmitted,
  loginFailure,
  newDevice,
  secretChanged,
  secretGlassBroken,
  webhookFailure,
} from '@lineclear/contracts';
import { startService } from '@lineclear/kit';
import { pendingEvents } from '@lineclear/testkit';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { endAttempts } from '../src/db/attempts.repo.js';
import { makeDue } from '../src/db/deliveries.repo.js';
import {
  aboutJob,
  completed,
  historyOf,
  newJobId,
  openHouse,
  submitted,
  webhookFor,
  type House,
} from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.stop());

const settled = (): Promise<void> =>
  vi.waitFor(async () => expect(await pendingEvents(house.backends.nats.url, 'notifier')).toBe(0), PATIENT);
const statusesOf = async (channelId: number): Promise<unknown[]> =>
  (await historyOf(house, channelId)).map((delivery) => delivery['status']);

it('tells who wants what is critical of a secret that was taken in an emergency', async () => {
  await webhookFor(house, '/critical', '*', { min_severity: 'critical' });
  const taken = { scope: 'user:7', name: 'PROD_KEY', version: 2, by_user_id: 1, by: 'root' };
  const why = { reason: 'production is down', must_rotate_by: '2026-11-29T12:00:00.000Z' };
  await house.peer.publish(jobSubmitted, submitted(newJobId()));
  await house.peer.publish(secretGlassBroken, { ...taken, ...why });
  await vi.waitFor(() => expect(house.receiver.at('/critical')).toHaveLength(1), PATIENT);
  expect(JSON.parse(house.receiver.at('/critical')[0]!.body)).toMatchObject({
    type: 'secret.glass_broken',
    data: { ...taken, ...why },
  });
});

it('tells who wants to hear of money that a cost limit is nearly used up, and used up', async () => {
  await webhookFor(house, '/money', 'cost.*');
  await webhookFor(house, '/no-money', 'cost.exceeded', { min_severity: 'critical' });
  const limit = {
    provider: 'replicate',
    limit_amount: 500,
    period: 'monthly',
    action: 'block',
    current_spend: 380,
    waiting: 40,
    percent_used: 84,
    period_ends_at: '2026-12-01T00:00:00.000Z',
  } as const;
  await house.peer.publish(costWarning, limit);
  await house.peer.publish(costExceeded, { ...limit, refused: true });
  await vi.waitFor(() => expect(house.receiver.at('/money')).toHaveLength(2), PATIENT);
  expect(house.receiver.at('/money').map(({ body }) => JSON.parse(body))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'cost.warning', data: limit }),
      expect.objectContaining({ type: 'cost.exceeded', data: { ...limit, refused: true } }),
    ]),
  );
  await settled();
  expect(house.receiver.at('/no-money')).toEqual([]);
});

it('sends an event as a signed webhook that a client of the specification takes', async () => {
  const { id, secret } = await webhookFor(house, '/signed', 'job.submitted');
  const jobId = newJobId();
  await house.peer.publish(jobSubmitted, submitted(jobId));
  await vi.waitFor(() => expect(house.receiver.at('/signed')).toHaveLength(1), PATIENT);
  const [got] = house.receiver.at('/signed');
  const headers = got!.headers as Record<string, string>;
  const message = new Webhook(secret).verify(got!.body, headers) as {
    type: string;
    timestamp: string;
    data: object;
  };
  expect(message).toMatchObject({
    type: 'job.submitted',
    timestamp: expect.any(String),
    data: { job_id: jobId, username: 'ada' },
  });
  expect(message.data).not.toHaveProperty('facts');
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-lineclear-event': 'job.submitted',
    'x-lineclear-timestamp': headers['webhook-timestamp'],
    'x-lineclear-signature': expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
  });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  const [delivery] = await historyOf(house, id);
  expect(delivery).toMatchObject({
    id: headers['webhook-id'],
    job_id: jobId,
    event_type: 'job.submitted',
    attempts: [{ number: 1, status_code: 204 }],
  });
});

it('signs the next delivery with a secret that changed, without waiting for what it remembers to end', async () => {
  const [one, other] = [
    await webhookFor(house, '/one', 'job.started'),
    await webhookFor(house, '/other', 'job.started'),
  ];
  const deliver = async (times: number): Promise<void> => {
    await house.peer.publish(jobStarted, {
      ...aboutJob(newJobId()),
      attempt: 1,
      started_at: '2026-01-01T00:00:00.000Z',
    });
    for (const path of ['/one', '/other'])
      await vi.waitFor(() => expect(house.receiver.at(path)).toHaveLength(times), PATIENT);
  };
  await deliver(1);
  const before = house.secrets.resolves;
  await deliver(2);
  expect(house.secrets.resolves).toBe(before);

  const name = `channel.${one.id}.webhook_secret`;
  const changed = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  expect(house.secrets.values.get(name)).toBe(one.secret);
  house.secrets.values.set(name, changed);
  await house.peer.publish(secretChanged, { name, version: 2 });
  await deliver(3);
  expect(house.secrets.resolves).toBe(before + 1);
  const verify = (path: string, secret: string): unknown => {
    const { body, headers } = house.receiver.at(path).at(-1)!;
    return new Webhook(secret).verify(body, headers as Record<string, string>);
  };
  expect(verify('/one', changed)).toMatchObject({ type: 'job.started' });
  expect(verify('/other', other.secret)).toMatchObject({ type: 'job.started' });
});

it('tries again with the same id until it is taken, and then no more', async () => {
  const { id } = await webhookFor(house, '/flapping', 'job.completed');
  house.receiver.answer('/flapping', statuses(500, 503, 200));
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  const got = house.receiver.at('/flapping');
  expect(got).toHaveLength(3);
  expect(new Set(got.map((one) => one.headers['webhook-id'])).size).toBe(1);
  expect(new Set(got.map((one) => one.body)).size).toBe(1);
  const [delivery] = await historyOf(house, id);
  expect(delivery).toMatchObject({
    attempts: [
      { number: 1, status_code: 500, response: 'so it is' },
      { number: 2, status_code: 503 },
      { number: 3, status_code: 200 },
    ],
  });
});

it('has no delivery wait, and its time run out, behind others to a receiver that is slow', async () => {
  const { id } = await webhookFor(
    house,
    '/slow',
    'job.completed',
    {},
    { max_concurrent: 32, max_per_second: 1_000 },
  );
  const held: (() => void)[] = [];
  house.receiver.answer('/slow', (response) => {
    held.push(() => void response.writeHead(204).end());
    if (held.length === 32) held.forEach((answer) => answer());
  });
  for (let n = 0; n < 32; n += 1) await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(new Set(await statusesOf(id))).toEqual(new Set(['sent'])), PATIENT);
  expect(house.receiver.at('/slow')).toHaveLength(32);
  await house.admin.delete(`${BASE}/channels/${id}`);
});

it('gives up after the last attempt and says so, but not through the channel that failed', async () => {
  const { id } = await webhookFor(house, '/broken', 'job.failed');
  await house.admin.post(`${BASE}/preferences`, { event_type: 'system.webhook_failure', channel_id: id });
  const watcher = await webhookFor(house, '/watcher', 'system.webhook_failure');
  house.receiver.answer('/broken', statuses(500));
  house.receiver.answer('/watcher', statuses(500));
  await house.peer.publish(jobFailed, { ...completed(newJobId()), reason: 'run_failed' });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  expect(house.receiver.at('/broken')).toHaveLength(4);
  // The watcher is broken as well: that its news fails is no further news.
  await vi.waitFor(async () => expect(await statusesOf(watcher.id)).toEqual(['failed']), PATIENT);
  await settled();
  const failures = house.peer.events(webhookFailure);
  expect(failures).toHaveLength(1);
  expect(failures[0]!.data).toMatchObject({
    channel_id: id,
    channel_name: 'hook /broken',
    event_type: 'job.failed',
    attempts: 4,
  });
  expect(await statusesOf(id)).toEqual(['failed']);
});

it('sends a failed delivery again when asked, with its id', async () => {
  const { id } = await webhookFor(house, '/resent', 'job.started');
  house.receiver.answer('/resent', statuses(500, 500, 500, 500, 200));
  await house.peer.publish(jobStarted, {
    ...aboutJob(newJobId()),
    attempt: 1,
    started_at: '2026-01-01T00:00:00.000Z',
  });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  const [delivery] = await historyOf(house, id);
  const answer = await house.admin.post(`${BASE}/deliveries/${String(delivery!['id'])}/resend`);
  expect(answer).toMatchObject({ status: 202, body: { id: delivery!['id'] } });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  expect(new Set(house.receiver.at('/resent').map((one) => one.headers['webhook-id'])).size).toBe(1);
});

it('takes no word of a sender that lost a delivery which is to be sent once more', async () => {
  const { id } = await webhookFor(house, '/once-more', 'job.submitted');
  await house.peer.publish(jobSubmitted, submitted(newJobId()));
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  const delivery = String((await historyOf(house, id))[0]!['id']);
  const { database } = house.service;
  const holder = crypto.randomUUID();
  await database.query(`update delivery set state = 'retrying' where id = $1`, [delivery]);
  await database.query(
    `insert into claim (delivery_id, channel_id, holder, held_until, attempt) values ($1, $2, $3, now() - interval '1 second', 2)`,
    [delivery, id, holder],
  );
  await database.tx((tx) => makeDue(tx, delivery));
  const end = {
    id: delivery,
    holder,
    attempt: 9,
    durationMs: 1,
    statusCode: 200,
    error: null,
    response: null,
    state: 'sent',
    waitSeconds: null,
  } as const;
  expect(await endAttempts(database, [end])).toEqual(new Set());
  await vi.waitFor(() => expect(house.receiver.at('/once-more')).toHaveLength(2), PATIENT);
});

it('tells of a login from a new device', async () => {
  await webhookFor(house, '/device', 'auth.new_device');
  const data = { user_id: 7, username: 'ada', device: 'Firefox on Linux', address: '203.0.113.7' };
  await house.peer.publish(newDevice, data);
  await vi.waitFor(() => expect(house.receiver.at('/device')).toHaveLength(1), PATIENT);
  expect(JSON.parse(String(house.receiver.at('/device')[0]!.body))).toMatchObject({
    type: 'auth.new_device',
    data,
  });
});

it('switches a channel off whose receiver is gone', async () => {
  const { id } = await webhookFor(house, '/gone', 'auth.login_failure');
  house.receiver.answer('/gone', statuses(410));
  await house.peer.publish(loginFailure, { username: 'eve', address: '203.0.113.1', failures: 5 });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  const { body } = await house.admin.get(`${BASE}/channels/${id}`);
  expect(body).toMatchObject({ is_enabled: false, disabled_reason: expect.stringContaining('410') });
  await house.peer.publish(loginFailure, { username: 'eve', address: '203.0.113.1', failures: 6 });
  await settled();
  expect(house.receiver.at('/gone')).toHaveLength(1);
  const [delivery] = await historyOf(house, id);
  expect((await house.admin.post(`${BASE}/deliveries/${String(delivery!['id'])}/resend`)).status).toBe(409);
  expect((await house.admin.patch(`${BASE}/channels/${id}`, { is_enabled: true })).body).not.toHaveProperty(
    'disabled_reason',
  );
});

it('leaves a channel on that was given another URL while the old one said that it is gone', async () => {
  const { id } = await webhookFor(house, '/left', 'approval.cancelled');
  let answer: () => void = () => undefined;
  house.receiver.answer('/left', (response) => (answer = () => void response.writeHead(410).end()));
  await house.peer.publish(approvalCancelled, {
    approval_id: crypto.randomUUID(),
    job_id: newJobId(),
    by_user_id: 1,
    by: 'lea',
    at: '2026-01-01T00:00:00.000Z',
  });
  await vi.waitFor(() => expect(house.receiver.at('/left')).toHaveLength(1), PATIENT);
  const moved = await house.admin.patch(`${BASE}/channels/${id}`, {
    webhook_url: `${house.receiver.url}/new-place`,
  });
  expect(moved.status).toBe(200);
  answer();
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  expect((await house.admin.get(`${BASE}/channels/${id}`)).body).toMatchObject({ is_enabled: true });
});

it('follows no redirect', async () => {
  const { id } = await webhookFor(house, '/moved', 'job.cancelled');
  house.receiver.answer(
    '/moved',
    (response) => void response.writeHead(302, { location: `${house.receiver.url}/elsewhere` }).end(),
  );
  await house.peer.publish(jobCancelled, { ...completed(newJobId()), reason: 'cancelled_by_user' });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  expect(house.receiver.at('/elsewhere')).toHaveLength(0);
  expect((await historyOf(house, id))[0]).toMatchObject({
    error: expect.stringContaining('redirects are not followed'),
  });
});

it('waits as long as the receiver asks', async () => {
  const { id } = await webhookFor(house, '/later', 'approval.expired');
  house.receiver.answer(
    '/later',
    (response) => void response.writeHead(429, { 'retry-after': '3600' }).end(),
  );
  await house.peer.publish(approvalExpired, {
    approval_id: crypto.randomUUID(),
    job_id: newJobId(),
    at: '2026-01-01T00:00:00.000Z',
  });
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['retrying']), PATIENT);
  const [delivery] = await historyOf(house, id);
  const [attempt] = delivery!['attempts'] as { ended_at: string }[];
  expect(Date.parse(String(delivery!['next_attempt_at'])) - Date.parse(attempt!.ended_at)).toBe(3_600_000);
});

it('makes one delivery of an event that comes twice, and none of what nobody wants', async () => {
  const { id } = await webhookFor(house, '/once', 'approval.granted');
  const data = {
    approval_id: crypto.randomUUID(),
    job_id: newJobId(),
    by_user_id: 1,
    by: 'lea',
    via: 'api' as const,
    at: '2026-01-01T00:00:00.000Z',
  };
  const eventId = await house.peer.publish(approvalGranted, data);
  for (let n = 0; n < 5; n += 1) await house.peer.publish(approvalGranted, data, { id: eventId });
  await house.peer.publish(approvalRejected, { ...data, reason: 'no' });
  await settled();
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  // As when the inbox has forgotten it: the delivery itself is still there once.
  await house.service.database.query('delete from inbox where message_id = $1', [eventId]);
  await house.peer.publishRaw(
    'replay.notifier',
    JSON.stringify({
      specversion: '1.0',
      id: eventId,
      type: 'approval.granted',
      source: 'lineclear/approvals',
      time: '2026-01-01T00:00:00.000Z',
      subject: 'x',
      data,
    }),
  );
  await settled();
  expect(await statusesOf(id)).toEqual(['sent']);
  expect(house.receiver.at('/once')).toHaveLength(1);
});

it('heeds severity, wildcards and switches as they are now', async () => {
  const loud = await webhookFor(house, '/loud', '*', { min_severity: 'error' });
  const off = await webhookFor(house, '/off', 'job.*', { is_enabled: false });
  const muted = await webhookFor(house, '/muted', 'job.*');
  await house.admin.patch(`${BASE}/channels/${muted.id}`, { is_enabled: false });
  const jobId = newJobId();
  await house.peer.publish(jobCompleted, completed(jobId));
  await house.peer.publish(jobFailed, { ...completed(jobId), reason: 'run_failed' });
  await settled();
  await vi.waitFor(() => expect(house.receiver.at('/loud')).toHaveLength(1), PATIENT);
  expect(JSON.parse(house.receiver.at('/loud')[0]!.body)).toMatchObject({
    type: 'job.failed',
    data: { job_id: jobId },
  });
  expect([...(await historyOf(house, off.id)), ...(await historyOf(house, muted.id))]).toEqual([]);
  expect((await house.admin.delete(`${BASE}/channels/${loud.id}`)).status).toBe(204);
  await house.peer.publish(jobFailed, { ...completed(newJobId()), reason: 'run_failed' });
  await settled();
  expect(house.receiver.at('/loud')).toHaveLength(1);
});

it('shares the work between replicas that hear of changes at once', async () => {
  const second = await startService(define(house.env));
  try {
    const { id } = await webhookFor(house, '/many', 'system.dead_letter');
    for (let n = 0; n < 40; n += 1) {
      await house.peer.publish(deadLetter, {
        service: 'auth',
        event_type: 'x',
        event_id: String(n),
        reason: 'y',
      });
    }
    await vi.waitFor(async () => expect(await statusesOf(id)).toHaveLength(40), PATIENT);
    await vi.waitFor(async () => expect(new Set(await statusesOf(id))).toEqual(new Set(['sent'])), PATIENT);
    expect(house.receiver.at('/many')).toHaveLength(40);
    const metrics = String((await house.as(undefined).get('/metrics')).body);
    expect(metrics).toMatch(/lineclear_deliveries_total\{channel_type="webhook",outcome="sent".*\} [1-9]/);
    expect(metrics).toContain('lineclear_delivery_attempt_seconds_bucket');
  } finally {
    await second.close();
  }
});
