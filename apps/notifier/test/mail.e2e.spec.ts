import { jobCompleted, jobFailed, jobStarted, jobSubmitted, secretChanged } from '@lineclear/contracts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { aboutJob, completed, historyOf, newJobId, openHouse, submitted, type House } from './house.js';
import { startMailSink, startOddMailServer, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const PASSWORD = 'canary-of-the-mail';
const PATIENT = { timeout: 20_000 };
let house: House;
let sink: MailSink;

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse(), startMailSink(PASSWORD)]);
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});

const mailChannel = async (more: object = {}): Promise<number> => {
  const { body } = await house.admin.post(`${BASE}/channels`, {
    channel_type: 'email',
    name: 'Primary Email',
    smtp_host: '127.0.0.1',
    smtp_port: sink.port,
    smtp_use_tls: false,
    smtp_username: 'lineclear',
    smtp_password: PASSWORD,
    smtp_from_address: 'jobs@lineclear.test',
    smtp_from_name: 'Lineclear',
    ...more,
  });
  return body.id;
};
const prefer = async (channelId: number, eventType: string, ...recipients: string[]): Promise<void> => {
  const answer = await house.admin.post(`${BASE}/preferences`, {
    event_type: eventType,
    channel_id: channelId,
    recipients,
  });
  expect(answer.status).toBe(201);
};

it('mails each recipient once, as a machine says things', async () => {
  const id = await mailChannel();
  await prefer(id, 'job.completed', 'ada@lineclear.test', 'bob@lineclear.test', 'Ada@lineclear.test');
  const jobId = newJobId();
  await house.peer.publish(jobCompleted, completed(jobId));
  await vi.waitFor(() => expect(sink.mails).toHaveLength(2), PATIENT);
  const recipients = sink.mails.flatMap((mail) => (mail.to && !Array.isArray(mail.to) ? mail.to.text : ''));
  expect(new Set(recipients)).toEqual(new Set(['ada@lineclear.test', 'bob@lineclear.test']));
  const [mail] = sink.mails;
  expect(mail!.subject).toBe('[Lineclear] Job completed: tiny');
  expect(mail!.from?.text).toBe('"Lineclear" <jobs@lineclear.test>');
  expect(mail!.text).toContain(jobId);
  expect(mail!.html).toContain(jobId);
  expect(mail!.headers.get('auto-submitted')).toBe('auto-generated');
  await vi.waitFor(
    async () => expect((await historyOf(house, id)).map((one) => one['status'])).toEqual(['sent', 'sent']),
    PATIENT,
  );
  const ids = (await historyOf(house, id)).map((one) => `<${String(one['id'])}@lineclear.test>`);
  expect(new Set(sink.mails.map((one) => one.messageId))).toEqual(new Set(ids));
  expect(sink.logins).toContain('lineclear');
});

it('gives up at once on an address that is refused for good, and tries others again', async () => {
  const id = await mailChannel();
  await prefer(id, 'job.failed', 'nobody@lineclear.test', 'busy@lineclear.test');
  await house.peer.publish(jobFailed, { ...completed(newJobId()), reason: 'run_failed' });
  await vi.waitFor(
    async () =>
      expect((await historyOf(house, id)).map((one) => one['status'])).toEqual(['failed', 'failed']),
    PATIENT,
  );
  const byRecipient = new Map(
    (await historyOf(house, id)).map((one) => [
      one['recipient'],
      one['attempts'] as { status_code: number }[],
    ]),
  );
  expect(byRecipient.get('nobody@lineclear.test')).toMatchObject([{ status_code: 550 }]);
  expect(byRecipient.get('busy@lineclear.test')?.map((one) => one.status_code)).toEqual([451, 451, 451]);
});

it('sends a mail once though no database can keep what the server says of it', async () => {
  const odd = await startOddMailServer('250 taken\u0000');
  try {
    const id = await mailChannel({ smtp_port: odd.port, smtp_username: undefined, smtp_password: undefined });
    await prefer(id, 'job.submitted', 'ada@lineclear.test');
    await house.peer.publish(jobSubmitted, submitted(newJobId()));
    await vi.waitFor(
      async () =>
        expect(await historyOf(house, id)).toMatchObject([
          { status: 'sent', attempts: [{ number: 1, response: '250 taken' }] },
        ]),
      PATIENT,
    );
    expect(odd.taken()).toBe(1);
  } finally {
    await odd.close();
  }
});

it('uses a new password as soon as it is set, and shows none', async () => {
  const id = await mailChannel({ smtp_password: 'wrong' });
  const test = () => house.admin.post(`${BASE}/channels/${id}/test`, { recipient: 'eve@lineclear.test' });
  const refused = await test();
  expect(refused.body).toMatchObject({ success: false, error: expect.stringContaining('wrong password') });
  await house.admin.patch(`${BASE}/channels/${id}`, { smtp_password: PASSWORD });
  expect((await test()).body).toMatchObject({ success: true });
  expect(sink.mails.at(-1)?.subject).toContain('channel.test');
  const rows = await house.service.database.query(
    `select t::text as line from channel t union all select t::text from delivery t union all select t::text from delivery_attempt t
     union all select t::text from outbox t`,
  );
  expect(JSON.stringify(rows)).not.toContain('canary');
});

it('logs in with a password that changed behind its back', async () => {
  const id = await mailChannel();
  const test = async () => (await house.admin.post(`${BASE}/channels/${id}/test`, {})).body;
  const name = `channel.${id}.smtp_password`;
  expect(house.secrets.values.get(name)).toBe(PASSWORD);
  expect(await test()).toMatchObject({ success: true });
  for (const [password, outcome] of [
    ['wrong', false],
    [PASSWORD, true],
  ] as const) {
    house.secrets.values.set(name, password);
    await house.peer.publish(secretChanged, { name, version: 2 });
    await vi.waitFor(async () => expect(await test()).toMatchObject({ success: outcome }), PATIENT);
  }
});

it('sends nothing where TLS is asked for and not to be had, or not to be trusted', async () => {
  const plain = await mailChannel({ smtp_use_tls: true });
  const test = async (id: number) => (await house.admin.post(`${BASE}/channels/${id}/test`)).body;
  const before = sink.logins.length;
  expect(await test(plain)).toMatchObject({ success: false, error: expect.stringMatching(/STARTTLS|TLS/i) });
  const stranger = await startMailSink(PASSWORD, { disabledCommands: [] });
  try {
    const untrusted = await mailChannel({ smtp_use_tls: true, smtp_port: stranger.port });
    expect(await test(untrusted)).toMatchObject({
      success: false,
      error: expect.stringMatching(/certificate|self/i),
    });
    expect(stranger.logins).toEqual([]);
  } finally {
    await stranger.close();
  }
  expect(sink.logins).toHaveLength(before);
});

it('delivers after the mail server was away', async () => {
  const late = await startMailSink(PASSWORD);
  const id = await mailChannel({ smtp_port: late.port });
  await prefer(id, 'job.started', 'ada@lineclear.test');
  await late.close();
  await house.peer.publish(jobStarted, {
    ...aboutJob(newJobId()),
    attempt: 1,
    started_at: '2026-01-01T00:00:00.000Z',
  });
  await vi.waitFor(
    async () => expect((await historyOf(house, id))[0]).toMatchObject({ status: 'failed' }),
    PATIENT,
  );
  await house.admin.patch(`${BASE}/channels/${id}`, { smtp_port: sink.port });
  const [delivery] = await historyOf(house, id);
  expect((await house.admin.post(`${BASE}/deliveries/${String(delivery!['id'])}/resend`)).status).toBe(202);
  await vi.waitFor(
    async () => expect((await historyOf(house, id))[0]).toMatchObject({ status: 'sent' }),
    PATIENT,
  );
});

// Comes last: whoever uses NATS takes a while to be back after it.
it('logs in with a password that changed while nobody could be told', async () => {
  const id = await mailChannel();
  const test = async () => (await house.admin.post(`${BASE}/channels/${id}/test`, {})).body;
  const name = `channel.${id}.smtp_password`;
  expect(await test()).toMatchObject({ success: true });
  house.secrets.values.set(name, 'changed meanwhile');
  await house.backends.nats.stop();
  await house.backends.nats.start();
  await vi.waitFor(async () => expect(await test()).toMatchObject({ success: false }), PATIENT);
});
