import { jobCompleted, jobFailed, mailboxOf } from '@lineclear/contracts';
import { refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { completed, mailChannel, newJobId, openHouse, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const MINE = `${BASE}/me/preferences`;
const PATIENT = { timeout: 20_000 };
let house: House;
let sink: MailSink;
let ada: Person;
let asAda: Client;

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse(), startMailSink('p')]);
  house.peer.answer(mailboxOf, ({ user_id }) => ({
    mailbox: { username: `u${user_id}`, email: `u${user_id}@lineclear.test` },
  }));
  await mailChannel(house, sink.port);
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});
beforeEach(() => {
  ada = house.folk.add('researcher');
  asAda = house.as(ada.token);
});

const doneOf = (person: Person) => ({ ...completed(newJobId()), user_id: person.principal.user_id });
const mineOf = (as: Client, eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await as.get(`${BASE}/me/events/${eventId}`);
    expect(status).toBe(200);
    return body as {
      event_type: string;
      deliveries: Record<string, unknown>[];
      skipped: { reason: string; until?: string }[];
    };
  }, PATIENT);
const mailsTo = ({ principal }: Person) =>
  sink.mails.filter(
    ({ to }) => to && !Array.isArray(to) && to.text === `u${principal.user_id}@lineclear.test`,
  );
/** The moment has come that this person's collected mails wait for. */
const letTimePass = ({ principal }: Person) =>
  house.service.database.query(
    `update delivery set next_attempt_at = now() where user_id = $1 and event_type = 'notification.digest'`,
    [principal.user_id],
  );

it('tells once an hour what has come, in one mail, and says of each event when', async () => {
  await asAda.put(`${MINE}/job.*`, { digest: 'hourly' });
  const jobs = [doneOf(ada), doneOf(ada), doneOf(ada)];
  const events: string[] = [];
  for (const job of jobs) events.push(await house.peer.publish(jobCompleted, job));
  await house.peer.publish(jobCompleted, jobs[0]!, { id: events[0]! });
  const untils = new Set<string>();
  for (const eventId of events) {
    const { event_type, deliveries, skipped } = await mineOf(asAda, eventId);
    expect(event_type).toBe('job.completed');
    expect(deliveries).toMatchObject([{ status: 'pending', waits_for: 'digest' }]);
    expect(skipped).toMatchObject([{ reason: 'digest', until: expect.stringMatching(/:00:00\.000Z$/) }]);
    untils.add(skipped[0]!.until!);
  }
  expect(mailsTo(ada)).toEqual([]);
  await letTimePass(ada);
  await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(untils.size), PATIENT);
  const texts = mailsTo(ada)
    .map((mail) => `${mail.subject} ${mail.text}`)
    .join('\n');
  if (untils.size === 1) expect(texts).toContain('[Lineclear] 3 notifications');
  for (const { job_id } of jobs) expect(texts.split(job_id)).toHaveLength(2);
  expect((await house.admin.get(`${BASE}/deliveries?event_type=notification.digest`)).body).toMatchObject({
    total: untils.size,
  });
  // What comes after it was sent goes into another.
  const late = doneOf(ada);
  await mineOf(asAda, await house.peer.publish(jobCompleted, late));
  await letTimePass(ada);
  await vi.waitFor(() => expect(mailsTo(ada).at(-1)!.text).toContain(late.job_id), PATIENT);
});

it('survives the service', async () => {
  await asAda.put(`${MINE}/*`, { digest: 'daily', digest_hour: 7 });
  const job = doneOf(ada);
  const eventId = await house.peer.publish(jobCompleted, job);
  expect((await mineOf(asAda, eventId)).skipped[0]!.until).toMatch(/T07:00:00\.000Z$/);
  await house.restart();
  asAda = house.as(ada.token);
  await letTimePass(ada);
  await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(1), PATIENT);
  expect(mailsTo(ada)[0]!.text).toContain(job.job_id);
  await vi.waitFor(
    async () => expect((await mineOf(asAda, eventId)).deliveries).toMatchObject([{ status: 'sent' }]),
    PATIENT,
  );
});

it('sends so many at most, from all replicas together, and the rest as one more', async () => {
  const other = await house.another();
  try {
    await asAda.put(`${MINE}/job.*`, { throttle: { max: 3, per_minutes: 1_440 } });
    const jobs = Array.from({ length: 40 }, () => doneOf(ada));
    const events = await Promise.all(jobs.map((job) => house.peer.publish(jobCompleted, job)));
    const outcomes = await Promise.all(events.map((eventId) => mineOf(asAda, eventId)));
    expect(outcomes.filter(({ skipped }) => skipped.length === 0)).toHaveLength(3);
    for (const { skipped, deliveries } of outcomes) {
      expect(deliveries).toHaveLength(1);
      if (skipped.length > 0) expect(skipped).toMatchObject([{ reason: 'throttled' }]);
    }
    await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(3), PATIENT);
    await letTimePass(ada);
    await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(4), PATIENT);
    expect(mailsTo(ada).at(-1)!.subject).toBe(
      '[Lineclear] And 37 more, which came faster than you want to be told',
    );
    const texts = mailsTo(ada)
      .map((mail) => mail.text ?? '')
      .join('\n');
    for (const { job_id } of jobs) expect(texts).toContain(job_id);
    // Each person has a count of their own.
    const bob = house.folk.add('researcher');
    await house.peer.publish(jobCompleted, doneOf(bob));
    await vi.waitFor(() => expect(mailsTo(bob)).toHaveLength(1), PATIENT);
  } finally {
    await other.close();
  }
});

it('counts for a limit what comes under it, and not what another preference lets through', async () => {
  await asAda.put(`${MINE}/*`, { throttle: { max: 1, per_minutes: 1_440 } });
  await asAda.put(`${MINE}/job.completed`, {});
  for (let n = 0; n < 2; n += 1)
    expect((await mineOf(asAda, await house.peer.publish(jobCompleted, doneOf(ada)))).skipped).toEqual([]);
  const failed = () => ({ ...doneOf(ada), reason: 'run_failed' as const });
  expect((await mineOf(asAda, await house.peer.publish(jobFailed, failed()))).skipped).toEqual([]);
  expect((await mineOf(asAda, await house.peer.publish(jobFailed, failed()))).skipped).toMatchObject([
    { reason: 'throttled' },
  ]);
});

it('counts once for a limit what another channel told in place of its own', async () => {
  const dead = await mailChannel(house, 1, { name: 'Dead' });
  const main = (await asAda.get(MINE)).body.channels[0].id;
  await house.admin.put(`${BASE}/channels/${dead}/fallback`, { channel_id: main });
  await asAda.put(`${MINE}/job.*`, { channel_id: dead, throttle: { max: 2, per_minutes: 1_440 } });
  for (let n = 1; n <= 2; n += 1) {
    expect((await mineOf(asAda, await house.peer.publish(jobCompleted, doneOf(ada)))).skipped).toEqual([]);
    await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(n), PATIENT);
  }
  await house.admin.delete(`${BASE}/channels/${dead}`);
});

it.each([
  ['switched off', (path: string) => house.admin.patch(path, { is_enabled: false })],
  ['deleted', (path: string) => house.admin.delete(path)],
])('loses nothing that waits when its channel is %s and another is there', async (_, endChannel) => {
  const own = await mailChannel(house, sink.port, { name: 'Own' });
  await asAda.put(`${MINE}/job.*`, { digest: 'daily', channel_id: own });
  const job = doneOf(ada);
  const eventId = await house.peer.publish(jobCompleted, job);
  await mineOf(asAda, eventId);
  await endChannel(`${BASE}/channels/${own}`);
  await letTimePass(ada);
  await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(1), PATIENT);
  expect(mailsTo(ada)[0]!.text).toContain(job.job_id);
  await vi.waitFor(
    async () =>
      expect((await mineOf(asAda, eventId)).deliveries).toMatchObject([
        { status: 'failed' },
        { status: 'sent' },
      ]),
    PATIENT,
  );
});

it('lists two hundred at most, and counts the others', async () => {
  await asAda.put(`${MINE}/job.*`, { digest: 'daily', digest_hour: (new Date().getUTCHours() + 12) % 24 });
  await Promise.all(Array.from({ length: 203 }, () => house.peer.publish(jobCompleted, doneOf(ada))));
  const collected = async (): Promise<number> =>
    (
      await house.service.database.query(
        'select from collected c join delivery d on d.id = c.delivery_id where d.user_id = $1',
        [ada.principal.user_id],
      )
    ).length;
  await vi.waitFor(async () => expect(await collected()).toBe(203), PATIENT);
  await letTimePass(ada);
  await vi.waitFor(() => expect(mailsTo(ada)).toHaveLength(1), PATIENT);
  expect(mailsTo(ada)[0]!.subject).toBe('[Lineclear] 203 notifications');
  expect(mailsTo(ada)[0]!.text).toContain('and 3 more, which are not listed here');
});

it('refuses what is no digest and no limit, and tells at once where none is asked for', async () => {
  await refusesBadInput((path, body) => asAda.put(path, body), `${MINE}/job.*`, {}, [
    ['digest', { digest: 'weekly' }],
    ['digest_hour', { digest: 'daily', digest_hour: 24 }],
    ['throttle.max', { throttle: { max: 0, per_minutes: 5 } }],
    ['throttle.per_minutes', { throttle: { max: 1, per_minutes: 1_441 } }],
    ['throttle.per_minutes', { throttle: { max: 1 } }],
  ]);
  const { body } = await asAda.put(`${MINE}/job.*`, { throttle: { max: 1, per_minutes: 5 } });
  expect(body).toMatchObject({ digest: 'immediately', throttle: { max: 1, per_minutes: 5 } });
  expect((await asAda.put(`${MINE}/job.*`, {})).body).not.toHaveProperty('throttle');
  for (let n = 0; n < 2; n += 1) {
    const failed = { ...doneOf(ada), reason: 'run_failed' as const };
    expect((await mineOf(asAda, await house.peer.publish(jobFailed, failed))).skipped).toEqual([]);
  }
});
