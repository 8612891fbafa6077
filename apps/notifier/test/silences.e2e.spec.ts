import { randomUUID } from 'node:crypto';
import {
  approvalRequired,
  approversNow,
  auditRecorded,
  jobCompleted,
  jobFailed,
  mailboxOf,
} from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { aboutJob, completed, newJobId, openHouse, removeChannels, webhookFor, type House } from './house.js';

const BASE = '/api/cloud/notifications';
const SILENCES = `${BASE}/silences`;
const PATIENT = { timeout: 20_000 };
let house: House;

beforeAll(async () => {
  house = await openHouse();
  house.peer.answer(mailboxOf, () => ({ mailbox: { username: 'ada', email: 'ada@lineclear.test' } }));
});
afterAll(() => house?.stop());
beforeEach(async () => {
  await removeChannels(house);
  for (const { id, state } of (await house.admin.get(SILENCES)).body.silences as {
    id: number;
    state: string;
  }[])
    if (state !== 'ended') await house.admin.delete(`${SILENCES}/${id}`);
});

const at = (hours: number): string => new Date(house.clock.now().getTime() + hours * 3_600_000).toISOString();
const silence = async (matchers: object, more: object = {}): Promise<number> => {
  const { status, body } = await house.admin.post(SILENCES, {
    matchers,
    reason: 'the cluster is down for repair',
    ends_at: at(2),
    ...more,
  });
  expect(status).toBe(201);
  return body.id;
};
const mailChannel = async (): Promise<number> =>
  (
    await house.admin.post(`${BASE}/channels`, {
      channel_type: 'email',
      name: 'Mail',
      smtp_host: '127.0.0.1',
      smtp_port: 9,
      smtp_use_tls: false,
      smtp_from_address: 'house@lineclear.test',
    })
  ).body.id;
const outcomeOf = (eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    return body as { deliveries: Record<string, unknown>[]; skipped: Record<string, unknown>[] };
  }, PATIENT);

it('keep what they match from a channel and from people, each with a word of it, and nothing else', async () => {
  const hook = await webhookFor(house, '/silent', 'job.*');
  const mail = await mailChannel();
  const id = await silence({ event_type: 'job.*', config_name: 'nightly-*' });
  const nightly = { ...completed(newJobId()), config_name: 'nightly-lora' };
  const { deliveries, skipped } = await outcomeOf(await house.peer.publish(jobCompleted, nightly));
  expect(deliveries).toEqual([]);
  expect(skipped).toContainEqual({ channel_id: hook.id, reason: 'silenced', silence_id: id });
  expect(skipped).toContainEqual({ user_id: 1, reason: 'silenced', silence_id: id });
  const daily = await outcomeOf(await house.peer.publish(jobCompleted, completed(newJobId())));
  expect(new Set(daily.deliveries.map(({ channel_id }) => channel_id))).toEqual(new Set([hook.id, mail]));
  expect(house.receiver.at('/silent').map(({ body }) => JSON.parse(body).data.config_name)).not.toContain(
    'nightly-lora',
  );
});

it('are for one channel, or one person, where they say so', async () => {
  const [one, other] = [await webhookFor(house, '/one', 'job.*'), await webhookFor(house, '/other', 'job.*')];
  await silence({ channel_id: one.id });
  await silence({ user_id: 77 });
  const ofAda = await outcomeOf(await house.peer.publish(jobCompleted, completed(newJobId())));
  expect(ofAda.deliveries).toMatchObject([{ channel_id: other.id }]);
  const ofEve = await outcomeOf(
    await house.peer.publish(jobCompleted, { ...completed(newJobId()), user_id: 77 }),
  );
  expect(ofEve.deliveries).toEqual([]);
});

it('begin and end when they say, or when somebody ends them', async () => {
  const hook = await webhookFor(house, '/times', 'job.*');
  const heard = async (): Promise<number> => {
    const failed = { ...completed(newJobId()), reason: 'run_failed' as const };
    return (await outcomeOf(await house.peer.publish(jobFailed, failed))).deliveries.length;
  };
  const stateOf = async (id: number): Promise<string> =>
    (await house.admin.get(`${SILENCES}/${id}`)).body.state;
  const later = await silence({ channel_id: hook.id }, { starts_at: at(1), ends_at: at(3) });
  expect([await stateOf(later), await heard()]).toEqual(['pending', 1]);
  house.clock.advanceHours(2);
  expect([await stateOf(later), await heard()]).toEqual(['active', 0]);
  house.clock.advanceHours(2);
  expect([await stateOf(later), await heard()]).toEqual(['ended', 1]);
  const id = await silence({ event_type: '*' });
  expect(await heard()).toBe(0);
  expect((await house.admin.delete(`${SILENCES}/${id}`)).status).toBe(204);
  expect([await stateOf(id), await heard()]).toEqual(['ended', 1]);
  expect((await house.admin.delete(`${SILENCES}/${id}`)).status).toBe(404);
  expect((await house.admin.get(SILENCES)).body.silences).toContainEqual(
    expect.objectContaining({ id, state: 'ended', ended_by: expect.any(String) }),
  );
  await vi.waitFor(() => {
    const actions = house.peer
      .events(auditRecorded)
      .filter(({ data }) => data.target === `silence/${id}`)
      .map(({ data }) => data.action);
    expect(actions).toEqual(['silence.created', 'silence.ended']);
  }, PATIENT);
});

it('do not keep anybody from being asked to decide', async () => {
  const hook = await webhookFor(house, '/asked', 'approval.*');
  await mailChannel();
  house.peer.answer(approversNow, () => ({
    people: [{ user_id: 11, username: 'lea', email: 'lea@lineclear.test' }],
  }));
  const id = await silence({ event_type: 'approval.*' });
  const about = {
    ...aboutJob(newJobId()),
    approval_id: randomUUID(),
    rule_id: 1,
    rule_name: 'high_cost',
    reason: 'dear',
    required_level: 'lead' as const,
    expires_at: '2026-11-29T12:00:00.000Z',
    hardware: 'gpu',
    estimated_cost_usd: 9,
  };
  const { deliveries, skipped } = await outcomeOf(await house.peer.publish(approvalRequired, about));
  expect(deliveries).toMatchObject([{ recipient: 'lea@lineclear.test' }]);
  expect(skipped).toContainEqual({ channel_id: hook.id, reason: 'silenced', silence_id: id });
});

it('are refused where they silence nothing, nothing that is there, or for ever', async () => {
  const good = { matchers: { event_type: 'job.*' }, reason: 'repair', ends_at: at(1) };
  await refusesBadInput((path, body) => house.admin.post(path, body), SILENCES, good, [
    ['matchers', { ...good, matchers: {} }],
    ['matchers.event_type', { ...good, matchers: { event_type: 'job.nothing' } }],
    ['matchers.config_name', { ...good, matchers: { config_name: '[a' } }],
    ['matchers.channel_id', { ...good, matchers: { channel_id: 2_000_000 } }],
    ['matchers.team', { ...good, matchers: { team: 'x' } }],
    ['reason', { ...good, reason: ' ' }],
    ['ends_at', { ...good, ends_at: at(-1) }],
    ['ends_at', { ...good, starts_at: at(2), ends_at: at(1) }],
    ['ends_at', { ...good, ends_at: at(24 * 91) }],
    ['starts_at', { ...good, starts_at: 'soon' }],
  ]);
  const { token } = house.folk.add('lead');
  expect((await house.as(token).post(SILENCES, good)).status).toBe(403);
});
