import {
  auditRecorded,
  jobCompleted,
  jobFailed,
  jobStarted,
  mailboxOf,
  secretGlassBroken,
} from '@lineclear/contracts';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { completed, mailChannel, newJobId, openHouse, removeChannels, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const MINE = `${BASE}/me/preferences`;
const PATIENT = { timeout: 20_000 };
let house: House;
let sink: MailSink;
let ada: Person;
let bob: Person;
let asAda: Client;
let asBob: Client;
let mail: number;

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse(), startMailSink('p')]);
  house.peer.answer(mailboxOf, ({ user_id }) => ({
    mailbox: { username: `u${user_id}`, email: `u${user_id}@lineclear.test` },
  }));
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});
beforeEach(async () => {
  await removeChannels(house);
  mail = await mailChannel(house, sink.port);
  [ada, bob] = [house.folk.add('viewer'), house.folk.add('researcher')];
  [asAda, asBob] = [house.as(ada.token), house.as(bob.token)];
});

const jobOf = ({ principal }: Person) => ({ ...completed(newJobId()), user_id: principal.user_id });
const failureOf = (person: Person) => ({ ...jobOf(person), reason: 'run_failed' as const });
const startOf = (person: Person) => {
  const { cost_usd: _, ended_at: started_at, ...about } = jobOf(person);
  return { ...about, started_at };
};
/** What came of an event for this person, once the service has heard of it. */
const mineOf = (as: Client, eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await as.get(`${BASE}/me/events/${eventId}`);
    expect(status).toBe(200);
    return body as { deliveries: Record<string, unknown>[]; skipped: { reason: string }[] };
  }, PATIENT);
const heard = (eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    return body as { deliveries: Record<string, unknown>[]; skipped: Record<string, unknown>[] };
  }, PATIENT);

it('is nothing at first: outcomes come, and what may be chosen is told', async () => {
  await mailChannel(house, sink.port, { name: 'Off', is_enabled: false });
  const { status, body } = await asAda.get(MINE);
  expect(status).toBe(200);
  expect(body).toMatchObject({ preferences: [], channels: [{ id: mail, name: 'Mail' }] });
  expect(body.told_by_default).toContain('job.failed');
  expect(body.event_types).toEqual(expect.arrayContaining(body.told_by_default));
  expect(body.event_types.filter((type: string) => type.startsWith('system.'))).toEqual([]);
});

it('switches off what comes by default, for this person alone, and is forgotten again', async () => {
  expect((await asAda.put(`${MINE}/job.*`, { is_enabled: false })).body).toMatchObject({
    event_type: 'job.*',
    is_enabled: false,
    min_severity: 'debug',
  });
  const [adas, bobs] = [
    await house.peer.publish(jobFailed, failureOf(ada)),
    await house.peer.publish(jobFailed, failureOf(bob)),
  ];
  expect(await mineOf(asAda, adas)).toMatchObject({
    deliveries: [],
    skipped: [{ reason: 'switched_off_by_person' }],
  });
  expect((await mineOf(asBob, bobs)).deliveries).toMatchObject([
    { recipient: `u${bob.principal.user_id}@lineclear.test` },
  ]);
  expect((await asAda.delete(`${MINE}/job.*`)).status).toBe(204);
  expect((await asAda.delete(`${MINE}/job.*`)).status).toBe(404);
  const again = await house.peer.publish(jobFailed, failureOf(ada));
  expect((await mineOf(asAda, again)).deliveries).toHaveLength(1);
});

it('adds what does not come by default, from a severity on, through a channel of choice', async () => {
  const other = await mailChannel(house, sink.port, { name: 'Other' });
  await asAda.put(`${MINE}/job.started`, { channel_id: other });
  await asAda.put(`${MINE}/*`, { min_severity: 'error' });
  const started = await house.peer.publish(jobStarted, startOf(ada));
  const done = await house.peer.publish(jobCompleted, jobOf(ada));
  const failed = await house.peer.publish(jobFailed, failureOf(ada));
  expect((await heard(started)).deliveries).toMatchObject([{ channel_id: other }]);
  expect((await mineOf(asAda, done)).skipped).toEqual([{ reason: 'below_min_severity' }]);
  expect((await heard(failed)).deliveries).toMatchObject([{ channel_id: mail }]);
  // A channel that is off is no reason to hear of nothing.
  await house.admin.patch(`${BASE}/channels/${other}`, { is_enabled: false });
  const later = await house.peer.publish(jobStarted, startOf(ada));
  expect((await heard(later)).deliveries).toMatchObject([{ channel_id: mail }]);
});

it('shows nobody what is about others, whatever they ask for', async () => {
  await asBob.put(`${MINE}/*`, {});
  const adas = [
    await house.peer.publish(jobFailed, failureOf(ada)),
    await house.peer.publish(jobStarted, startOf(ada)),
    await house.peer.publish(secretGlassBroken, {
      scope: `user:${ada.principal.user_id}`,
      name: 'KEY',
      version: 1,
      by_user_id: bob.principal.user_id,
      by: 'bob',
      reason: 'production is down',
      must_rotate_by: '2026-11-29T12:00:00.000Z',
    }),
  ];
  for (const eventId of adas) {
    const { deliveries, skipped } = await heard(eventId);
    const bobs = bob.principal.user_id;
    expect(deliveries.filter(({ recipient }) => recipient === `u${bobs}@lineclear.test`)).toEqual([]);
    expect(skipped.filter(({ user_id }) => user_id === bobs)).toEqual([]);
    expect((await asBob.get(`${BASE}/me/events/${eventId}`)).status).toBe(404);
    expect((await asBob.get(`${BASE}/events/${eventId}`)).status).toBe(403);
  }
  expect((await asAda.get(MINE)).body.preferences).toEqual([]);
  // Who may configure the house has no more of others' own page than anybody.
  expect((await house.admin.get(`${BASE}/me/events/${adas[0]}`)).status).toBe(404);
});

it('refuses what is no event about oneself, no open channel, and any address', async () => {
  const { id: hook } = (
    await house.admin.post(`${BASE}/channels`, {
      channel_type: 'webhook',
      name: 'hook',
      webhook_url: house.receiver.url,
    })
  ).body;
  await refusesBadInput((path, body) => asAda.put(path, body), `${MINE}/job.failed`, {}, [
    ['channel_id', { channel_id: hook }],
    ['channel_id', { channel_id: 2_000_000 }],
    ['channel_id', { channel_id: '1' }],
    ['min_severity', { min_severity: 'loud' }],
    ['is_enabled', { is_enabled: 'no' }],
    ['recipients', { recipients: ['mallory@lineclear.test'] }],
    ['user_id', { user_id: bob.principal.user_id }],
  ]);
  for (const pattern of ['system.dead_letter', 'system.*', 'job.nothing', 'nothing'])
    expect((await asAda.put(`${MINE}/${pattern}`, {})).body).toMatchObject({
      status: 400,
      errors: [{ path: 'event_type' }],
    });
  expect((await asAda.get(MINE)).body.preferences).toEqual([]);
});

it('is in the audit log, and closed to whoever may not see their own jobs', async () => {
  await asAda.put(`${MINE}/job.failed`, { is_enabled: false });
  await asAda.delete(`${MINE}/job.failed`);
  const target = `user/${ada.principal.user_id}`;
  await vi.waitFor(() => {
    const entries = house.peer.events(auditRecorded).filter(({ data }) => data.target === target);
    expect(entries.map(({ data }) => data.action)).toEqual(['own_preference.set', 'own_preference.removed']);
    expect(entries[0]!.data.details).toMatchObject({ event_type: 'job.failed', is_enabled: false });
  }, PATIENT);
  const scoped = house.folk.add('viewer', { permissions: [] });
  expect((await house.as(scoped.token).get(MINE)).status).toBe(403);
  expect((await house.as(undefined).get(MINE)).status).toBe(401);
});
