import type { ServerResponse } from 'node:http';
import { jobCompleted } from '@lineclear/contracts';
import { startService, type RunningService } from '@lineclear/kit';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { completed, historyOf, newJobId, openHouse, webhookFor, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 40_000 };
const RETRIES = ['0', ...Array.from({ length: 25 }, () => '0.2')];
let house: House;
let second: RunningService;

beforeAll(async () => {
  house = await openHouse({
    WEBHOOK_RETRY_SECONDS: RETRIES.join(','),
    WEBHOOK_BREAKER_SECONDS: '0.5',
    // What is slow here is not too slow.
    DELIVERY_TIMEOUT_SECONDS: '60',
  });
  second = await startService(define(house.env));
});
afterAll(async () => {
  await second?.close();
  await house?.stop();
});

async function tell(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await house.peer.publish(jobCompleted, completed(newJobId()));
}
const sentTo = async (channelId: number): Promise<number> =>
  (await historyOf(house, channelId)).filter(({ status }) => status === 'sent').length;
const remove = (channelId: number) => house.admin.delete(`${BASE}/channels/${channelId}`);

/** Answers nothing until it is let go, and from then on at once. */
function holding() {
  const held: ServerResponse[] = [];
  let isFree = false;
  let most = 0;
  return {
    underWay: () => held.length,
    most: () => most,
    answer: (response: ServerResponse) => {
      if (isFree) return void response.writeHead(204).end();
      most = Math.max(most, held.push(response));
    },
    letGo: () => {
      isFree = true;
      for (const response of held.splice(0)) response.writeHead(204).end();
    },
  };
}

it('lets nobody wait for an endpoint that is dead, slow or unsteady, and loses nothing of theirs', async () => {
  const [healthy, dead, slow, flapping] = [
    await Promise.all(
      ['/well-1', '/well-2', '/well-3'].map((path) => webhookFor(house, path, 'job.completed')),
    ),
    await webhookFor(house, '/dead', 'job.completed'),
    await webhookFor(house, '/slow', 'job.completed'),
    await webhookFor(house, '/flapping', 'job.completed'),
  ];
  const thinking = holding();
  house.receiver.answer('/dead', (response) => void response.destroy());
  house.receiver.answer('/slow', thinking.answer);
  house.receiver.answer('/flapping', (response, call) => void response.writeHead(call % 2 ? 500 : 204).end());
  await tell(40);
  for (const { id } of healthy) await vi.waitFor(async () => expect(await sentTo(id)).toBe(40), PATIENT);

  expect(await sentTo(dead.id)).toBe(0);
  const waiting = await historyOf(house, dead.id);
  expect(waiting).toContainEqual(
    expect.objectContaining({ status: 'pending', waits_for: 'breaker', attempts: [] }),
  );
  expect([thinking.underWay(), await sentTo(slow.id)]).toEqual([4, 0]);

  house.receiver.answer('/dead', statuses(204));
  thinking.letGo();
  for (const { id } of [dead, slow, flapping])
    await vi.waitFor(async () => expect(await sentTo(id)).toBe(40), PATIENT);
  for (const path of ['/slow', '/flapping', '/dead', '/well-1']) {
    const ids = house.receiver.at(path).map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size, path).toBe(40);
  }
  expect(house.receiver.at('/well-1')).toHaveLength(40);
  const metrics = String((await house.as(undefined).get('/metrics')).body);
  expect(metrics).toMatch(/lineclear_deliveries_held_back_total\{reason="concurrency".*\} [1-9]/);
  for (const { id } of [...healthy, dead, slow, flapping]) await remove(id);
}, 120_000);

it('sends no more at once than the channel says, from however many replicas', async () => {
  const { id } = await webhookFor(house, '/narrow', 'job.completed', {}, { max_concurrent: 2 });
  const thinking = holding();
  house.receiver.answer('/narrow', thinking.answer);
  await tell(6);
  await vi.waitFor(() => expect(thinking.underWay()).toBe(2), PATIENT);
  await vi.waitFor(
    async () =>
      expect(await historyOf(house, id)).toContainEqual(
        expect.objectContaining({ waits_for: 'concurrency', attempts: [] }),
      ),
    PATIENT,
  );
  expect(thinking.most()).toBe(2);
  await house.admin.patch(`${BASE}/channels/${id}`, { max_concurrent: 3 });
  await vi.waitFor(() => expect(thinking.underWay()).toBe(3), PATIENT);
  thinking.letGo();
  await vi.waitFor(async () => expect(await sentTo(id)).toBe(6), PATIENT);
  expect(thinking.most()).toBe(3);
  await remove(id);
}, 60_000);

it('sends no more a second than the channel says, and all of it', async () => {
  const heldBack = async (id: number): Promise<boolean> =>
    (await historyOf(house, id)).some(({ waits_for }) => waits_for === 'rate');
  const wide = await webhookFor(house, '/wide', 'job.completed', {}, { max_per_second: 1_000 });
  await tell(5);
  await vi.waitFor(async () => expect(await sentTo(wide.id)).toBe(5), PATIENT);
  expect(await heldBack(wide.id)).toBe(false);
  await remove(wide.id);
  const { id } = await webhookFor(house, '/trickle', 'job.completed', {}, { max_per_second: 1 });
  await tell(5);
  await vi.waitFor(async () => expect(await heldBack(id)).toBe(true), PATIENT);
  await vi.waitFor(async () => expect(await sentTo(id)).toBe(5), PATIENT);
  expect(house.receiver.at('/trickle')).toHaveLength(5);
  await remove(id);
}, 60_000);

it('takes limits within bounds alone, and shows them', async () => {
  const hook = { channel_type: 'webhook', name: 'x', webhook_url: house.receiver.url };
  const { body } = await house.admin.post(`${BASE}/channels`, hook);
  expect(body).toMatchObject({ max_concurrent: 4, max_per_second: 20 });
  await refusesBadInput(house.admin.post, `${BASE}/channels`, hook, [
    ['max_concurrent', { ...hook, max_concurrent: 0 }],
    ['max_concurrent', { ...hook, max_concurrent: 33 }],
    ['max_per_second', { ...hook, max_per_second: 1_001 }],
    ['max_per_second', { ...hook, max_per_second: 0.5 }],
  ]);
});

it('remembers nothing of endpoints whose channel is gone', async () => {
  const { id } = await webhookFor(house, '/forgotten', 'job.completed');
  const known = async (): Promise<number> =>
    (await house.service.database.query('select 1 from endpoint where channel_id = $1', [id])).length;
  expect(await known()).toBe(1);
  await remove(id);
  await house.restart();
  await vi.waitFor(async () => expect(await known()).toBe(0), PATIENT);
});
