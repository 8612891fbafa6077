import { randomUUID } from 'node:crypto';
import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  jobCancelled,
  jobCompleted,
  jobFailed,
  jobStarted,
  mailboxOf,
  type EventData,
} from '@lineclear/contracts';
import type { ParsedMail } from 'mailparser';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import {
  aboutJob,
  completed,
  mailChannel,
  newJobId,
  openHouse,
  removeChannels,
  type House,
} from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
const ADA = { user_id: 1, username: 'ada' };
const LEA = { by_user_id: 2, by: 'lea' };
const AT = '2026-11-22T12:00:00.000Z';
let house: House;
let sink: MailSink;

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse(), startMailSink('p')]);
  house.peer.answer(mailboxOf, ({ user_id }) =>
    user_id === ADA.user_id ? { mailbox: { username: 'ada', email: 'Ada@lineclear.test' } } : {},
  );
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});
beforeEach(async () => {
  await removeChannels(house);
});

const mailAbout = (jobId: string): Promise<ParsedMail> =>
  vi.waitFor(() => {
    const mails = sink.mails.filter((mail) => mail.text?.includes(jobId));
    expect(mails).toHaveLength(1);
    return mails[0]!;
  }, PATIENT);
const outcomeOf = (eventId: string) =>
  vi.waitFor(async () => {
    const { status, body } = await house.admin.get(`${BASE}/events/${eventId}`);
    expect(status).toBe(200);
    return body as { deliveries: Record<string, unknown>[]; skipped: Record<string, unknown>[] };
  }, PATIENT);
const request = (jobId: string) => ({
  ...ADA,
  approval_id: randomUUID(),
  job_id: jobId,
  config_name: 'tiny',
  at: AT,
});

it('tells whoever asked each outcome of their request and of their job, at their own address', async () => {
  await mailChannel(house, sink.port);
  const via = 'api' as const;
  const cases = [
    [
      'Your request was approved: tiny',
      (id: string) => house.peer.publish(approvalGranted, { ...request(id), ...LEA, via, notes: 'go on' }),
      'Notes: go on',
    ],
    [
      'Your request was rejected: tiny',
      (id: string) =>
        house.peer.publish(approvalRejected, { ...request(id), ...LEA, via, reason: 'too costly' }),
      'Reason: too costly',
    ],
    [
      'Nobody decided on your request in time: tiny',
      (id: string) => house.peer.publish(approvalExpired, request(id)),
      '',
    ],
    [
      'Your request was withdrawn: tiny',
      (id: string) => house.peer.publish(approvalCancelled, { ...request(id), ...LEA }),
      'By: lea',
    ],
    [
      'Your job is done: tiny',
      (id: string) => house.peer.publish(jobCompleted, completed(id)),
      'Cost usd: 0.5',
    ],
    [
      'Your job failed: tiny',
      (id: string) =>
        house.peer.publish(jobFailed, { ...completed(id), reason: 'run_failed', message: 'exit code 1' }),
      'Message: exit code 1',
    ],
    [
      'Your job was cancelled: tiny',
      (id: string) =>
        house.peer.publish(jobCancelled, {
          ...completed(id),
          reason: 'cancelled_by_user',
          message: 'cancelled by lea',
          cancelled_by: { user_id: 2, username: 'lea' },
        }),
      'Message: cancelled by lea',
    ],
  ] as const;
  for (const [subject, publish, line] of cases) {
    const jobId = newJobId();
    await publish(jobId);
    const mail = await mailAbout(jobId);
    expect(mail.subject).toBe(`[Lineclear] ${subject}`);
    expect(mail.to && !Array.isArray(mail.to) ? mail.to.text : '').toBe('Ada@lineclear.test');
    expect(mail.text).toContain(line);
  }
});

it('tells nobody what they did themselves, or were told already', async () => {
  await mailChannel(house, sink.port);
  const cancelled = (ending: Pick<EventData<typeof jobCancelled>, 'reason' | 'message' | 'cancelled_by'>) =>
    house.peer.publish(jobCancelled, { ...completed(newJobId()), ...ending });
  const { approval_id, job_id, config_name, at } = request(newJobId());
  const withdrawn = { ...ADA, approval_id, job_id, config_name, at, by_user_id: 1, by: 'ada' };
  for (const [eventId, reason] of [
    [await cancelled({ reason: 'cancelled_by_user', cancelled_by: ADA }), 'own_doing'],
    [await cancelled({ reason: 'approval_rejected', message: 'rejected by lea: no' }), 'duplicate'],
    [await house.peer.publish(approvalCancelled, withdrawn), 'own_doing'],
  ] as const) {
    const { deliveries, skipped } = await outcomeOf(eventId);
    expect(deliveries).toEqual([]);
    expect(skipped).toContainEqual({ user_id: 1, reason });
  }
});

it('tells nothing of what has no known owner, nor what is no outcome', async () => {
  const id = await mailChannel(house, sink.port);
  const { user_id: _, username: __, ...anonymous } = request(newJobId());
  const started = { ...aboutJob(newJobId()), attempt: 1, started_at: AT };
  for (const eventId of [
    await house.peer.publish(approvalExpired, anonymous),
    await house.peer.publish(jobStarted, started),
  ])
    expect(await outcomeOf(eventId)).toMatchObject({
      deliveries: [],
      skipped: [{ channel_id: id, reason: 'no_preference' }],
    });
});

it('tells an address once that a preference reaches too, and says so', async () => {
  const id = await mailChannel(house, sink.port);
  await house.admin.post(`${BASE}/preferences`, {
    event_type: 'job.*',
    channel_id: id,
    recipients: ['ada@lineclear.test', 'lea@lineclear.test'],
  });
  const eventId = await house.peer.publish(jobCompleted, completed(newJobId()));
  const { deliveries, skipped } = await outcomeOf(eventId);
  expect(new Set(deliveries.map(({ recipient }) => recipient))).toEqual(
    new Set(['Ada@lineclear.test', 'lea@lineclear.test']),
  );
  expect(skipped).toEqual([{ channel_id: id, recipient: 'ada@lineclear.test', reason: 'duplicate' }]);
});

it('says of whoever cannot be told why: no address, or no enabled channel', async () => {
  const id = await mailChannel(house, sink.port);
  const nobody = await house.peer.publish(jobCompleted, { ...completed(newJobId()), user_id: 99 });
  expect((await outcomeOf(nobody)).skipped).toContainEqual({ user_id: 99, reason: 'no_address' });
  await house.admin.patch(`${BASE}/channels/${id}`, { is_enabled: false });
  const unheard = await house.peer.publish(jobCompleted, completed(newJobId()));
  expect(await outcomeOf(unheard)).toMatchObject({
    deliveries: [],
    skipped: expect.arrayContaining([{ user_id: 1, reason: 'no_channel' }]),
  });
});

it('waits for auth, and tells it once', async () => {
  await mailChannel(house, sink.port);
  house.peer.stopAnswering(mailboxOf);
  const jobId = newJobId();
  const eventId = await house.peer.publish(jobCompleted, completed(jobId));
  await house.peer.publish(jobCompleted, completed(jobId), { id: eventId });
  house.peer.answer(mailboxOf, () => ({ mailbox: { username: 'ada', email: 'ada@lineclear.test' } }));
  await mailAbout(jobId);
  expect((await outcomeOf(eventId)).deliveries).toHaveLength(1);
});
