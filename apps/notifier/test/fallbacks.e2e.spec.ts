import { auditRecorded, jobCompleted } from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { completed, newJobId, openHouse, webhookFor, type House } from './house.js';
import { statuses } from './receiver.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse({ WEBHOOK_RETRY_SECONDS: '0,0.1' });
});
afterAll(() => house?.stop());

const hook = async (path: string, more: object = {}): Promise<number> =>
  (
    await house.admin.post(`${BASE}/channels`, {
      channel_type: 'webhook',
      name: `hook ${path}`,
      webhook_url: `${house.receiver.url}${path}`,
      ...more,
    })
  ).body.id;
const standIn = (id: number, other: number) =>
  house.admin.put(`${BASE}/channels/${id}/fallback`, { channel_id: other });
const expectOutcome = (eventId: string, expected: object): Promise<void> =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject(expected);
  }, PATIENT);

it('stands in for a channel whose delivery failed for good, and the log says for which', async () => {
  const { id } = await webhookFor(house, '/down', 'job.completed');
  house.receiver.answer('/down', statuses(500));
  const [second, third] = [await hook('/down'), await hook('/third')];
  expect((await standIn(second, third)).body).toEqual({ channel_id: third, chain: [third] });
  expect((await standIn(id, second)).body).toEqual({ channel_id: second, chain: [second, third] });
  const eventId = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(eventId, {
    deliveries: [
      { channel_id: third, status: 'sent', instead_of: id },
      { channel_id: second, status: 'failed', instead_of: id },
      { channel_id: id, status: 'failed' },
    ],
  });
  expect(house.receiver.at('/third')).toHaveLength(1);
  // Nobody stands in for it any more: the next is given up.
  expect((await house.admin.delete(`${BASE}/channels/${id}/fallback`)).status).toBe(204);
  expect((await house.admin.delete(`${BASE}/channels/${id}/fallback`)).status).toBe(404);
  const next = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(next, { deliveries: [{ channel_id: id, status: 'failed' }] });
  expect((await house.admin.get(`${BASE}/channels/${id}/fallback`)).body).toEqual({ chain: [] });
  for (const one of [id, second, third]) await house.admin.delete(`${BASE}/channels/${one}`);
});

it('stands in for a channel that is off, and tells nobody twice', async () => {
  const off = await webhookFor(house, '/off', 'job.completed', {}, { is_enabled: false });
  const alsoOff = await hook('/also-off', { is_enabled: false });
  const on = await hook('/on');
  await standIn(off.id, alsoOff);
  await standIn(alsoOff, on);
  const eventId = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(eventId, {
    deliveries: [{ channel_id: on, status: 'sent', instead_of: off.id }],
    skipped: expect.arrayContaining([{ channel_id: off.id, reason: 'fell_back' }]),
  });
  await house.admin.post(`${BASE}/preferences`, { event_type: 'job.*', channel_id: on });
  const twice = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(twice, { deliveries: [{ channel_id: on, status: 'sent' }] });
  const { deliveries } = (await house.admin.get(`${BASE}/events/${twice}`)).body;
  expect(deliveries).toHaveLength(1);
  expect(deliveries[0]).not.toHaveProperty('instead_of');
  // One that is gone stands in for nobody.
  await house.admin.delete(`${BASE}/channels/${on}`);
  const lost = await house.peer.publish(jobCompleted, completed(newJobId()));
  await expectOutcome(lost, {
    deliveries: [],
    skipped: expect.arrayContaining([{ channel_id: off.id, reason: 'channel_disabled' }]),
  });
});

it('refuses circles, long chains and channels of another kind, and tells the audit log', async () => {
  const ids: number[] = [];
  for (let n = 0; n < 5; n += 1) ids.push(await hook(`/chain-${n}`));
  const [a, b, c, d, e] = ids as [number, number, number, number, number];
  for (const [from, to] of [
    [a, b],
    [b, c],
    [c, d],
  ] as const)
    expect((await standIn(from, to)).status).toBe(200);
  const mail = (
    await house.admin.post(`${BASE}/channels`, {
      channel_type: 'email',
      name: 'Mail',
      smtp_host: '127.0.0.1',
      smtp_from_address: 'house@lineclear.test',
    })
  ).body.id;
  await refusesBadInput(
    (path, body) => house.admin.put(path, body),
    `${BASE}/channels/${d}/fallback`,
    { channel_id: e },
    [
      ['channel_id', { channel_id: e }],
      ['channel_id', { channel_id: d }],
      ['channel_id', { channel_id: a }],
      ['channel_id', { channel_id: mail }],
      ['channel_id', { channel_id: 2_000_000 }],
      ['channel_id', {}],
    ],
  );
  expect((await standIn(2_000_000, a)).status).toBe(404);
  await vi.waitFor(
    () =>
      expect(
        house.peer
          .events(auditRecorded)
          .find(({ data }) => data.target === `channel/${c}` && 'fallback' in data.details)?.data.details,
      ).toEqual({ fallback: { from: null, to: d } }),
    PATIENT,
  );
});
