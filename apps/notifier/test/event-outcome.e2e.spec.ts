import { jobCompleted, jobFailed, mailboxOf, ownSecretTaken, webhookFailure } from '@lineclear/contracts';
import { newEventId } from '@lineclear/bus';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, newJobId, openHouse, webhookFor, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
/** Whose job it is would be mailed, and there is no email channel. */
const OWNER = { user_id: 1, reason: 'no_channel' };
let house: House;

beforeAll(async () => {
  house = await openHouse({ WEBHOOK_RETRY_SECONDS: '0', WEBHOOK_BREAKER_SECONDS: '600' });
});
afterAll(() => house?.stop());

/** All that came of an event, once it is what it should be. */
const expectOutcome = (eventId: string, expected: object): Promise<void> =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ event_id: eventId, ...expected });
  }, PATIENT);
const remove = async (...ids: number[]): Promise<void> => {
  for (const id of ids) await house.admin.delete(`${BASE}/channels/${id}`);
};

it('is nothing where there is no channel', async () => {
  const eventId = await house.peer.publish(jobCompleted, completed(newJobId()));
  const told = await webhookFor(house, '/later', 'job.completed');
  await expectOutcome(await house.peer.publish(jobCompleted, completed(newJobId())), { skipped: [OWNER] });
  expect((await house.admin.get(`${BASE}/events/${eventId}`)).status).toBe(404);
  await remove(told.id);
});

it('says who was told, and of each channel that was not, why', async () => {
  const told = await webhookFor(house, '/told', 'job.completed');
  await house.admin.post(`${BASE}/preferences`, { event_type: '*', channel_id: told.id });
  const serious = await webhookFor(house, '/serious', 'job.*', { min_severity: 'error' });
  const muted = await webhookFor(house, '/muted', 'job.*', { is_enabled: false });
  const off = await webhookFor(house, '/off', 'job.*', {}, { is_enabled: false });
  const others = await webhookFor(house, '/others', 'approval.*');
  const completedId = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(completedId, {
    event_type: 'job.completed',
    deliveries: [{ channel_id: told.id, status: 'sent', attempts: [{ status_code: 204 }] }],
    skipped: [
      { channel_id: told.id, reason: 'duplicate' },
      { channel_id: serious.id, reason: 'below_min_severity' },
      { channel_id: muted.id, reason: 'preference_disabled' },
      { channel_id: off.id, reason: 'channel_disabled' },
      { channel_id: others.id, reason: 'no_preference' },
      OWNER,
    ],
  });
  const failure = { ...completed(newJobId()), reason: 'run_failed' as const };
  const failedId = await house.peer.publish(jobFailed, failure);
  await expectOutcome(failedId, {
    deliveries: expect.arrayContaining([
      expect.objectContaining({ channel_id: told.id }),
      expect.objectContaining({ channel_id: serious.id }),
    ]),
  });
  const { body } = await house.admin.get(`${BASE}/events/${failedId}`);
  expect(body.skipped).not.toContainEqual(expect.objectContaining({ channel_id: serious.id }));
  expect((await house.admin.get(`${BASE}/deliveries?event_id=${failedId}`)).body.total).toBe(2);
  // What changed since then does not change what was.
  await remove(told.id, serious.id, muted.id, off.id, others.id);
  await expectOutcome(completedId, {
    skipped: expect.arrayContaining([{ channel_id: off.id, reason: 'channel_disabled' }]),
  });
});

it('says what a delivery waits for', async () => {
  const { id } = await webhookFor(house, '/broken', 'job.completed', {}, { max_concurrent: 1 });
  house.receiver.answer('/broken', statuses(500));
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) ids.push(await house.peer.publish(jobCompleted, completed(newJobId())));
  await vi.waitFor(() => expect(house.receiver.at('/broken')).toHaveLength(5), PATIENT);
  await vi.waitFor(async () => {
    const answers = await Promise.all(ids.map((one) => house.admin.get(`${BASE}/events/${one}`)));
    const states = answers.map(({ body }) =>
      [body.deliveries[0]?.status, body.deliveries[0]?.waits_for].join(' '),
    );
    expect(states.toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'failed '),
      'pending breaker',
      'pending breaker',
    ]);
  }, PATIENT);
  await remove(id);
});

it('does not tell a channel that it does not work, nor a person who has no address or no way to it', async () => {
  const { id } = await webhookFor(house, '/own', 'system.webhook_failure');
  const failure = {
    channel_id: id,
    channel_name: 'hook /own',
    delivery_id: newEventId(),
    event_type: 'job.failed',
    attempts: 1,
    message: 'x',
  };
  await expectOutcome(await house.peer.publish(webhookFailure, failure), {
    deliveries: [],
    skipped: [{ channel_id: id, reason: 'own_failure' }],
  });
  const taken = { name: 'PROD_KEY', version: 2, user_id: 7, by: 'root', reason: 'production is down' };
  const data = ownSecretTaken.data.parse({
    scope: 'user:7',
    by_user_id: 1,
    must_rotate_by: '2026-11-29T12:00:00.000Z',
    ...taken,
  });
  house.peer.answer(mailboxOf, () => ({}));
  await expectOutcome(await house.peer.publish(ownSecretTaken, data), {
    skipped: [{ reason: 'no_address' }],
  });
  house.peer.answer(mailboxOf, () => ({ mailbox: { email: 'ada@example.org', username: 'ada' } }));
  await expectOutcome(await house.peer.publish(ownSecretTaken, data), {
    skipped: [{ reason: 'no_channel' }],
  });
  await remove(id);
});

it('is forgotten when it is old', async () => {
  const { id } = await webhookFor(house, '/old', 'approval.*');
  const eventId = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(eventId, { skipped: [{ channel_id: id, reason: 'no_preference' }, OWNER] });
  await house.service.database.query(
    `update event_skips set heard_at = now() - interval '31 days' where event_id = $1`,
    [eventId],
  );
  await house.restart();
  await vi.waitFor(
    async () => expect((await house.admin.get(`${BASE}/events/${eventId}`)).status).toBe(404),
    PATIENT,
  );
});
