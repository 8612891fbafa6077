import { randomUUID } from 'node:crypto';
import {
  mailboxOf,
  ownSecretTaken,
  passwordChanged,
  passwordResetRequested,
  resetLink,
} from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import { pendingEvents } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { historyOf, mailChannel, openHouse, removeChannels, webhookFor, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const PAGE = 'http://127.0.0.1:8080/api/auth/password-reset';
const PATIENT = { timeout: 20_000 };
let house: House;
let sink: MailSink;
/** The tokens of the links that auth gave, newest last, by reset. */
const given = new Map<string, string[]>();
const over = new Set<string>();

const auth = (): void =>
  house.peer.answer(resetLink, async ({ reset_id, public_key }) => {
    if (over.has(reset_id)) return {};
    const token = `canary${given.get(reset_id)?.length ?? 0}${reset_id.replaceAll('-', '')}`;
    given.set(reset_id, [...(given.get(reset_id) ?? []), token]);
    return { box: await sealTo(public_key, `${PAGE}#${token}`) };
  });

beforeAll(async () => {
  [house, sink] = await Promise.all([openHouse({ WEBHOOK_RETRY_SECONDS: '0' }), startMailSink('p')]);
  auth();
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});
beforeEach(async () => {
  await removeChannels(house);
});

const requestReset = async (email: string): Promise<string> => {
  const resetId = randomUUID();
  await house.peer.publish(passwordResetRequested, {
    reset_id: resetId,
    user_id: 7,
    username: 'ada',
    email,
    expires_at: '2026-01-01T00:30:00.000Z',
  });
  return resetId;
};
const mailsTo = (email: string) =>
  sink.mails.filter((mail) => mail.to && !Array.isArray(mail.to) && mail.to.text === email);

it('mails the link to the person alone, through the first email channel that is enabled, whatever others want to hear', async () => {
  const off = await mailChannel(house, sink.port);
  await house.admin.patch(`${BASE}/channels/${off}`, { is_enabled: false });
  const id = await mailChannel(house, sink.port);
  const later = await mailChannel(house, sink.port);
  await house.admin.post(`${BASE}/preferences`, {
    event_type: '*',
    channel_id: id,
    recipients: ['curious@lineclear.test'],
  });
  const hook = await webhookFor(house, '/curious', '*');
  const resetId = await requestReset('ada@lineclear.test');
  await vi.waitFor(() => expect(mailsTo('ada@lineclear.test')).toHaveLength(1), PATIENT);
  const [mail] = mailsTo('ada@lineclear.test');
  expect(mail!.subject).toBe('[Lineclear] A new password');
  expect(mail!.text).toContain(`${PAGE}#${given.get(resetId)![0]}\n`);
  expect(mail!.html).toContain(`<a href="${PAGE}#${given.get(resetId)![0]}">`);
  await vi.waitFor(
    async () =>
      expect(await historyOf(house, id)).toMatchObject([
        { status: 'sent', event_type: 'auth.password_reset_requested', recipient: 'ada@lineclear.test' },
      ]),
    PATIENT,
  );
  for (const other of [off, later, hook.id]) expect(await historyOf(house, other)).toEqual([]);
  expect(mailsTo('curious@lineclear.test')).toEqual([]);
  const { event_types } = (await house.admin.get(`${BASE}/events`)).body as { event_types: { id: string }[] };
  expect(event_types.map((type) => type.id).filter((type) => type.includes('password'))).toEqual([]);
});

it('asks for a new link at each attempt, and keeps none: not in a table, and not in what the mail server said', async () => {
  let isBusy = true;
  const quoting = await startMailSink('p', {
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        const quoted = `I do not like ${/canary\w+/.exec(text)?.[0]}`;
        if (isBusy) done(Object.assign(new Error(quoted), { responseCode: 451 }));
        else done(null, quoted);
        isBusy = false;
      });
    },
  });
  try {
    const id = await mailChannel(house, sink.port, { smtp_port: quoting.port });
    const resetId = await requestReset('bea@lineclear.test');
    await vi.waitFor(
      async () =>
        expect(await historyOf(house, id)).toMatchObject([
          {
            status: 'sent',
            attempts: [{ status_code: 451, error: 'the mail server answered 451' }, { status_code: 250 }],
          },
        ]),
      PATIENT,
    );
    expect(new Set(given.get(resetId)).size).toBe(2);
    const { database } = house.service;
    const tables = await database.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) => database.query(`select t::text from "${name}" t`)),
    );
    const kept = JSON.stringify(rows);
    expect(kept).toContain(resetId);
    expect(kept).not.toContain('canary');
  } finally {
    await quoting.close();
  }
});

it('waits for auth while it is away, and gives up what is over by then', async () => {
  const id = await mailChannel(house, sink.port);
  house.peer.stopAnswering(resetLink);
  const [good, late] = [await requestReset('cy@lineclear.test'), await requestReset('dan@lineclear.test')];
  over.add(late);
  await vi.waitFor(
    async () =>
      expect(
        await house.service.database.query(
          `select from delivery where channel_id = $1 and state = 'pending' and last_error like '%auth does not answer%'`,
          [id],
        ),
      ).toHaveLength(2),
    PATIENT,
  );
  auth();
  await vi.waitFor(
    async () =>
      expect(
        (await historyOf(house, id)).map(({ status, recipient, error }) => [recipient, status, error]),
      ).toEqual([
        ['dan@lineclear.test', 'failed', 'what this mail is about is over'],
        ['cy@lineclear.test', 'sent', undefined],
      ]),
    PATIENT,
  );
  expect(mailsTo('cy@lineclear.test')[0]!.text).toContain(given.get(good)!.at(-1));
  expect(mailsTo('dan@lineclear.test')).toEqual([]);
});

it('sends a new link, and no old one, when a delivery is sent once more', async () => {
  const id = await mailChannel(house, sink.port);
  const resetId = await requestReset('eve@lineclear.test');
  await vi.waitFor(
    async () => expect(await historyOf(house, id)).toMatchObject([{ status: 'sent' }]),
    PATIENT,
  );
  const [delivery] = await historyOf(house, id);
  expect((await house.admin.post(`${BASE}/deliveries/${String(delivery!['id'])}/resend`)).status).toBe(202);
  await vi.waitFor(() => expect(mailsTo('eve@lineclear.test')).toHaveLength(2), PATIENT);
  const links = mailsTo('eve@lineclear.test').map((mail) => /#(\w+)/.exec(mail.text!)?.[1]);
  expect(links).toEqual(given.get(resetId));
});

it('tells a person that their password was changed, once', async () => {
  await mailChannel(house, sink.port);
  const about = { user_id: 7, username: 'ada', email: 'fay@lineclear.test' };
  const eventId = await house.peer.publish(passwordChanged, about);
  await house.peer.publish(passwordChanged, about, { id: eventId });
  await house.peer.publish(passwordChanged, { user_id: 8, username: 'robot' });
  await house.peer.publish(passwordChanged, { ...about, email: 'gus@lineclear.test' });
  await vi.waitFor(() => expect(mailsTo('gus@lineclear.test')).toHaveLength(1), PATIENT);
  await vi.waitFor(() => expect(mailsTo('fay@lineclear.test')).toHaveLength(1), PATIENT);
  expect(mailsTo('fay@lineclear.test')[0]!.subject).toBe('[Lineclear] Your password was changed');
});

it('makes nothing of it where there is no way to mail', async () => {
  await requestReset('hal@lineclear.test');
  await vi.waitFor(
    async () => expect(await pendingEvents(house.backends.nats.url, 'notifier')).toBe(0),
    PATIENT,
  );
  const id = await mailChannel(house, sink.port);
  await requestReset('ida@lineclear.test');
  await vi.waitFor(() => expect(mailsTo('ida@lineclear.test')).toHaveLength(1), PATIENT);
  expect(await historyOf(house, id)).toMatchObject([{ recipient: 'ida@lineclear.test' }]);
});

it('tells whose own secret was taken in an emergency, at the address that auth has, as soon as auth answers', async () => {
  await mailChannel(house, sink.port);
  house.peer.stopAnswering(mailboxOf);
  const taken = (user_id: number) =>
    house.peer.publish(ownSecretTaken, {
      user_id,
      name: 'PROD_KEY',
      version: 2,
      by: 'root',
      reason: 'production is down, and <b>nobody</b> is here',
      must_rotate_by: '2026-11-29T12:00:00.000Z',
    });
  await taken(31);
  await taken(32);
  house.peer.answer(mailboxOf, ({ user_id }) =>
    user_id === 31 ? { mailbox: { username: 'dora', email: 'dora@lineclear.test' } } : {},
  );
  await vi.waitFor(() => expect(mailsTo('dora@lineclear.test')).toHaveLength(1), PATIENT);
  const [mail] = mailsTo('dora@lineclear.test');
  expect(mail!.subject).toBe('[Lineclear] Your secret PROD_KEY was taken in an emergency');
  expect(mail!.text).toMatch(/root has taken .*\n.*production is down.*\n.*2026-11-29T12:00/s);
  expect(mail!.html).not.toContain('<b>');
});
