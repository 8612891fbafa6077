import { auditRecorded, jobCompleted, webhookFailure } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, historyOf, newJobId, openHouse, webhookFor, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse({ WEBHOOK_RETRY_SECONDS: '0', WEBHOOK_BREAKER_SECONDS: '0.1' });
});
afterAll(() => house?.stop());

/** One more event, and what became of it at this channel. */
async function tell(channelId: number, status: string): Promise<void> {
  const before = (await historyOf(house, channelId)).length;
  await house.peer.publish(jobCompleted, completed(newJobId()));
  await vi.waitFor(async () => {
    const history = await historyOf(house, channelId);
    expect(history).toHaveLength(before + 1);
    expect(history[0]).toMatchObject({ status });
  }, PATIENT);
}

it('switches a channel off after five days of failures alone, tells of it, and starts afresh when it is on again', async () => {
  const { id } = await webhookFor(house, '/dead', 'job.completed');
  const watcher = await webhookFor(house, '/told', 'system.webhook_failure');
  const shown = async () => (await house.admin.get(`${BASE}/channels/${id}`)).body;
  house.receiver.answer('/dead', statuses(500));
  for (let day = 0; day < 5; day += 1) {
    await tell(id, 'failed');
    house.clock.advanceHours(24);
  }
  expect(await shown()).toMatchObject({ is_enabled: true });
  await tell(id, 'failed');
  expect(await shown()).toMatchObject({
    is_enabled: false,
    disabled_reason: expect.stringContaining('every attempt since'),
    disabled_at: expect.any(String),
  });
  await vi.waitFor(
    () =>
      expect(house.peer.events(webhookFailure).map(({ data }) => data)).toContainEqual(
        expect.objectContaining({ channel_id: id, channel_disabled: true }),
      ),
    PATIENT,
  );
  await vi.waitFor(
    () =>
      expect(house.receiver.at('/told').some(({ body }) => body.includes('"channel_disabled":true'))).toBe(
        true,
      ),
    PATIENT,
  );
  const entries = house.peer.events(auditRecorded).map(({ data }) => data);
  expect(entries).toContainEqual(
    expect.objectContaining({
      action: 'channel.changed',
      target: `channel/${id}`,
      details: expect.objectContaining({ is_enabled: { from: true, to: false } }),
    }),
  );

  await house.admin.patch(`${BASE}/channels/${id}`, { is_enabled: true });
  expect(await shown()).not.toHaveProperty('disabled_at');
  await tell(id, 'failed');
  expect(await shown()).toMatchObject({ is_enabled: true });
  await house.admin.delete(`${BASE}/channels/${watcher.id}`);
  await house.admin.delete(`${BASE}/channels/${id}`);
});

it('leaves a channel on that took something in between, or has another receiver now', async () => {
  const { id } = await webhookFor(house, '/flaky', 'job.completed');
  const moved = await webhookFor(house, '/moved-out', 'job.completed');
  house.receiver.answer('/moved-out', statuses(500));
  house.receiver.answer('/flaky', statuses(500, 500, 500, 204, 500));
  for (let day = 0; day < 7; day += 1) {
    if (day === 4)
      await house.admin.patch(`${BASE}/channels/${moved.id}`, {
        webhook_url: `${house.receiver.url}/moved-out`,
      });
    await tell(id, day === 3 ? 'sent' : 'failed');
    await vi.waitFor(
      async () => expect((await historyOf(house, moved.id))[day]).toMatchObject({ status: 'failed' }),
      PATIENT,
    );
    house.clock.advanceHours(24);
  }
  for (const one of [id, moved.id])
    expect((await house.admin.get(`${BASE}/channels/${one}`)).body).toMatchObject({ is_enabled: true });
});
