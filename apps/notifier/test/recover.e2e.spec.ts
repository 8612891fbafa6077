import { auditRecorded, jobCompleted, jobFailed } from '@lineclear/contracts';
import { expectProblem, refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, historyOf, newJobId, openHouse, webhookFor, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse({ WEBHOOK_RETRY_SECONDS: '0,0.1' });
});
afterAll(() => house?.stop());

const statusesOf = async (channelId: number): Promise<unknown[]> =>
  (await historyOf(house, channelId)).map(({ status }) => status);
/** Deliveries through this channel that were given up, this long ago. */
async function giveUp(channelId: number, count: number, minutesAgo: number): Promise<void> {
  await house.service.database.query(
    `insert into delivery (id, event_id, event_type, severity, channel_id, channel_type, recipient, body, state, attempts,
       created_at, finished_at)
     select gen_random_uuid(), gen_random_uuid(), 'job.completed', 'info', $1, 'webhook', '', '{}', 'failed', 2,
       now() - $3 * interval '1 minute', now()
     from generate_series(1, $2)`,
    [channelId, count, minutesAgo],
  );
}
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

it('sends a delivery once more with its id and all its attempts', async () => {
  const { id } = await webhookFor(house, '/resent', 'job.completed');
  house.receiver.answer('/resent', statuses(500, 500, 500, 204));
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['failed']), PATIENT);
  const delivery = String((await historyOf(house, id))[0]!['id']);
  expect((await house.admin.post(`${BASE}/deliveries/${delivery}/resend`)).status).toBe(202);
  await vi.waitFor(async () => expect(await statusesOf(id)).toEqual(['sent']), PATIENT);
  expect((await historyOf(house, id))[0]).toMatchObject({
    attempts: [500, 500, 500, 204].map((status_code, index) => ({ number: index + 1, status_code })),
  });
  expect(new Set(house.receiver.at('/resent').map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([delivery]),
  );
  await house.admin.delete(`${BASE}/channels/${id}`);
});

it('recovers what was given up in a time, after a look at how much it is', async () => {
  const { id } = await webhookFor(house, '/back', 'job.failed');
  await giveUp(id, 3, 30);
  await giveUp(id, 2, 90);
  const recover = `${BASE}/channels/${id}/recover`;
  const hour = { since: ago(60), until: ago(1) };
  expect((await house.admin.post(recover, { ...hour, dry_run: true })).body).toEqual({
    count: 3,
    dry_run: true,
  });
  expect(house.receiver.at('/back')).toHaveLength(0);
  expect((await house.admin.post(recover, hour)).body).toEqual({ count: 3, dry_run: false });
  await vi.waitFor(() => expect(house.receiver.at('/back')).toHaveLength(3), PATIENT);
  await vi.waitFor(
    async () => expect((await statusesOf(id)).filter((status) => status === 'sent')).toHaveLength(3),
    PATIENT,
  );
  expect((await house.admin.post(recover, hour)).body).toEqual({ count: 0, dry_run: false });
  await vi.waitFor(() => {
    const entries = house.peer.events(auditRecorded).map(({ data }) => data);
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: 'channel.recovered',
        target: `channel/${id}`,
        details: { ...hour, count: 3 },
      }),
    );
  }, PATIENT);

  await house.admin.patch(`${BASE}/channels/${id}`, { is_enabled: false });
  const all = { since: ago(100) };
  expect((await house.admin.post(recover, { ...all, dry_run: true })).body.count).toBe(2);
  expect((await house.admin.post(recover, all)).status).toBe(409);
});

it('recovers ten thousand at a time and no more', async () => {
  const { id } = await webhookFor(house, '/many-lost', 'job.failed', {}, { is_enabled: false });
  await giveUp(id, 10_000, 30);
  await giveUp(id, 1, 10);
  const recover = `${BASE}/channels/${id}/recover`;
  expectProblem(await house.admin.post(recover, { since: ago(60) }), 'too many', 'until');
  expectProblem(await house.admin.post(recover, { since: ago(60), dry_run: true }), 'too many', 'until');
  const part = { since: ago(60), until: ago(20), dry_run: true };
  expect((await house.admin.post(recover, part)).body.count).toBe(10_000);
  await refusesBadInput(house.admin.post, recover, part, [
    ['since', { until: ago(1) }],
    ['since', { since: 'yesterday' }],
    ['until', { since: ago(1), until: ago(2) }],
    ['dry_run', { since: ago(1), dry_run: 'yes' }],
  ]);
  expect((await house.admin.post(`${BASE}/channels/999999/recover`, part)).status).toBe(404);
});

it('shows the deliveries of a type, of a channel, in a time, page by page', async () => {
  const { id } = await webhookFor(house, '/listed', 'job.failed');
  await giveUp(id, 2, 30);
  for (let n = 0; n < 3; n += 1)
    await house.peer.publish(jobFailed, { ...completed(newJobId()), reason: 'run_failed' });
  await vi.waitFor(async () => expect(await statusesOf(id)).toHaveLength(5), PATIENT);
  const list = async (query: string) =>
    (await house.admin.get(`${BASE}/deliveries?channel_id=${id}&${query}`)).body;
  expect((await list('event_type=job.failed')).total).toBe(3);
  expect((await list('event_type=job.started')).total).toBe(0);
  expect((await list(`since=${ago(60)}&until=${ago(20)}`)).total).toBe(2);
  expect((await list(`since=${ago(20)}`)).total).toBe(3);
  const first = await list('limit=3');
  const second = await list(`limit=3&cursor=${first.next_cursor}`);
  const ids = [...first.deliveries, ...second.deliveries].map((one: { id: string }) => one.id);
  expect(new Set(ids).size).toBe(5);
  expect(second).not.toHaveProperty('next_cursor');
});
