import { randomUUID } from 'node:crypto';
import {
  approvalRequired,
  approversNow,
  auditRecorded,
  jobFailed,
  mailboxOf,
  secretLeakDetected,
} from '@lineclear/contracts';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { aboutJob, completed, mailChannel, newJobId, openHouse, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const SCHEDULE = `${BASE}/me/schedule`;
const PATIENT = { timeout: 20_000 };
let house: House;
let sink: MailSink;
let ada: Person;
let asAda: Client;

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse(), startMailSink('p')]);
  house.peer.answer(mailboxOf, ({ user_id }) => ({
    mailbox: { username: 'ada', email: `u${user_id}@lineclear.test` },
  }));
  ada = house.folk.add('lead');
  asAda = house.as(ada.token);
  await mailChannel(house, sink.port);
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});

const timeIn = (hours: number): string =>
  new Date(house.clock.now().getTime() + hours * 3_600_000).toISOString().slice(11, 16);
/** From an hour ago until in two hours. */
const quietNow = (more: object = {}) => ({
  time_zone: 'UTC',
  quiet_hours: { start: timeIn(-1), end: timeIn(2), ...more },
});
const failure = (person: Person) => ({
  ...completed(newJobId()),
  user_id: person.principal.user_id,
  reason: 'run_failed' as const,
});
const mineOf = (as: Client, eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await as.get(`${BASE}/me/events/${eventId}`);
    expect(status).toBe(200);
    return body;
  }, PATIENT);
const mailsAbout = (text: string) => sink.mails.filter((mail) => mail.text?.includes(text));

it('hold what comes until they end, and lose nothing', async () => {
  const { body } = await asAda.put(SCHEDULE, quietNow());
  expect(body).toMatchObject({ time_zone: 'UTC', quiet_hours: { also_critical: false } });
  expect((await asAda.get(SCHEDULE)).body).toEqual(body);
  const about = failure(ada);
  const eventId = await house.peer.publish(jobFailed, about);
  const { deliveries, skipped } = await mineOf(asAda, eventId);
  expect(deliveries).toMatchObject([{ status: 'pending', waits_for: 'quiet_hours' }]);
  const { until } = skipped[0];
  expect(skipped).toEqual([{ reason: 'quiet_hours', until }]);
  expect(until.slice(11, 16)).toBe(body.quiet_hours.end);
  expect(Math.abs(Date.parse(deliveries[0].next_attempt_at) - Date.parse(until))).toBeLessThan(60_000);
  // Somebody else's mail does not wait with it.
  const other = house.folk.add('viewer');
  const others = failure(other);
  await house.peer.publish(jobFailed, others);
  await vi.waitFor(() => expect(mailsAbout(others.job_id)).toHaveLength(1), PATIENT);
  expect(mailsAbout(about.job_id)).toEqual([]);
  // The end has come.
  await house.service.database.query('update delivery set next_attempt_at = now() where event_id = $1', [
    eventId,
  ]);
  await vi.waitFor(() => expect(mailsAbout(about.job_id)).toHaveLength(1), PATIENT);
  await vi.waitFor(async () => {
    const [delivery] = (await mineOf(asAda, eventId)).deliveries;
    expect(delivery).toMatchObject({ status: 'sent' });
    expect(delivery).not.toHaveProperty('waits_for');
  }, PATIENT);
});

it('let pass what is critical and what asks for an approval, unless they are to hold these too', async () => {
  const lea = { user_id: ada.principal.user_id, username: 'lea', email: 'lea@lineclear.test' };
  house.peer.answer(approversNow, () => ({ people: [lea] }));
  const ask = {
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
  const leak = {
    job_id: newJobId(),
    attempt: 1,
    user_id: lea.user_id,
    name: 'KEY',
    where: 'log' as const,
    form: 'raw' as const,
  };
  await asAda.put(`${BASE}/me/preferences/secret.*`, {});
  await asAda.put(SCHEDULE, quietNow());
  for (const eventId of [
    await house.peer.publish(approvalRequired, ask),
    await house.peer.publish(secretLeakDetected, leak),
  ])
    expect(await mineOf(asAda, eventId)).toMatchObject({ deliveries: [{}], skipped: [] });
  await asAda.put(SCHEDULE, quietNow({ also_critical: true, also_approvals: true }));
  for (const eventId of [
    await house.peer.publish(approvalRequired, { ...ask, job_id: newJobId(), approval_id: randomUUID() }),
    await house.peer.publish(secretLeakDetected, leak),
  ])
    expect(await mineOf(asAda, eventId)).toMatchObject({
      deliveries: [{ status: 'pending', waits_for: 'quiet_hours' }],
      skipped: [{ reason: 'quiet_hours' }],
    });
});

it('are over when they end, or are taken back', async () => {
  const sentAtOnce = async (): Promise<void> => {
    const eventId = await house.peer.publish(jobFailed, failure(ada));
    expect(await mineOf(asAda, eventId)).toMatchObject({ deliveries: [{}], skipped: [] });
  };
  await asAda.put(SCHEDULE, quietNow());
  house.clock.advanceHours(3);
  await sentAtOnce();
  await asAda.put(SCHEDULE, quietNow());
  expect((await asAda.delete(SCHEDULE)).status).toBe(204);
  await sentAtOnce();
  expect((await asAda.delete(SCHEDULE)).status).toBe(404);
  expect((await asAda.get(SCHEDULE)).status).toBe(404);
});

it('are refused where they say nothing, and are in the audit log', async () => {
  const quiet = { start: '22:00', end: '07:00' };
  const good = { time_zone: 'Europe/Berlin', quiet_hours: quiet };
  await refusesBadInput((path, body) => asAda.put(path, body), SCHEDULE, good, [
    ['time_zone', { ...good, time_zone: '+02:00' }],
    ['time_zone', { ...good, time_zone: 'Mars/Olympus' }],
    ['time_zone', { quiet_hours: quiet }],
    ['quiet_hours.start', { ...good, quiet_hours: { ...quiet, start: '24:00' } }],
    ['quiet_hours.end', { ...good, quiet_hours: { start: '22:00', end: '22:00' } }],
    ['quiet_hours.days', { ...good, quiet_hours: { ...quiet, days: [] } }],
    ['quiet_hours.also_critical', { ...good, quiet_hours: { ...quiet, also_critical: 'yes' } }],
  ]);
  await asAda.put(SCHEDULE, good);
  await asAda.delete(SCHEDULE);
  await vi.waitFor(() => {
    const entries = house.peer
      .events(auditRecorded)
      .filter(({ data }) => data.action.startsWith('own_schedule.'));
    expect(entries.at(-2)?.data.details).toMatchObject({ time_zone: 'Europe/Berlin', start: '22:00' });
    expect(entries.at(-1)?.data).toMatchObject({
      action: 'own_schedule.removed',
      target: `user/${ada.principal.user_id}`,
    });
  }, PATIENT);
});
