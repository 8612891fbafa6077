import { randomUUID } from 'node:crypto';
import {
  approvalBypassed,
  approvalEscalated,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  approversNow,
  replyHandled,
  replyToken,
  webhookFailure,
  type EventData,
} from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import { refusesBadInput } from '@lineclear/testkit';
import type { ParsedMail } from 'mailparser';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aboutJob, historyOf, newJobId, openHouse, removeChannels, webhookFor, type House } from './house.js';
import { startMailSink, type MailSink } from './mail-sink.js';

const BASE = '/api/cloud/notifications';
const PATIENT = { timeout: 20_000 };
const INBOUND = 'approvals@lineclear.example';
const LEA = { user_id: 11, username: 'lea', email: 'lea@lineclear.test' };
const MAX = { user_id: 12, username: 'max', email: 'Max@lineclear.test' };
let house: House;
let sink: MailSink;
/** Envelope senders, in the order of the mails. */
const senders: string[] = [];
/** The tokens that approvals gave, by request and person, newest last. */
const given = new Map<string, string[]>();
let tokensGiven = 0;
/** The stages and rounds that mails asked about. */
const askedAbout = new Map<string, string[]>();
const closed = new Set<string>();
/** Requests that nobody may decide. */
const lonely = new Set<string>();

const tellWhom = (): void =>
  house.peer.answer(approversNow, ({ approval_id }) => ({
    people: lonely.has(approval_id) ? [] : [LEA, MAX],
  }));
const giveTokens = (): void =>
  house.peer.answer(replyToken, async ({ approval_id, user_id, public_key, with_link, stage, round }) => {
    if (closed.has(approval_id)) return {};
    askedAbout.set(approval_id, [...(askedAbout.get(approval_id) ?? []), `${stage}/${round}`]);
    const key = `${approval_id} ${user_id}`;
    const tokens = [
      ...(given.get(key) ?? []),
      `canary${'a'.repeat(18)}${String((tokensGiven += 1)).padStart(8, 'b')}`,
    ];
    given.set(key, tokens);
    const link = `canarylink${'c'.repeat(14)}${String(tokensGiven).padStart(8, 'd')}`;
    return {
      box: await sealTo(public_key, tokens.at(-1)!),
      ...(with_link && { link_box: await sealTo(public_key, link) }),
    };
  });

beforeAll(async () => {
  [house, sink] = await Promise.all([
    openHouse(),
    startMailSink('p', {
      onMailFrom({ address }, _session, done) {
        senders.push(address);
        done();
      },
    }),
  ]);
});
afterAll(async () => {
  await house?.stop();
  await sink?.close();
});
beforeEach(async () => {
  tellWhom();
  giveTokens();
  await removeChannels(house);
});

const EMAIL = {
  channel_type: 'email',
  name: 'Mail',
  smtp_host: '127.0.0.1',
  smtp_use_tls: false,
  smtp_from_address: 'house@lineclear.test',
};
const mailChannel = async (more: object = { reply_to: INBOUND }): Promise<number> => {
  const { status, body } = await house.admin.post(`${BASE}/channels`, {
    ...EMAIL,
    smtp_port: sink.port,
    ...more,
  });
  expect(status).toBe(201);
  return body.id;
};
const required = (
  more: Partial<EventData<typeof approvalRequired>> = {},
): EventData<typeof approvalRequired> => ({
  ...aboutJob(newJobId()),
  approval_id: randomUUID(),
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'dear',
  required_level: 'lead',
  expires_at: '2026-11-29T12:00:00.000Z',
  hardware: 'gpu',
  estimated_cost_usd: 9,
  ...more,
});
const addressOf = ({ to }: ParsedMail): string => (to && !Array.isArray(to) ? to.text : '');
const mailsAbout = (approvalId: string): ParsedMail[] =>
  sink.mails.filter((mail) => mail.text?.includes(approvalId));
const asked = (about: EventData<typeof approvalRequired>, people = 2): Promise<ParsedMail[]> =>
  vi.waitFor(() => {
    const mails = mailsAbout(about.approval_id);
    expect(mails).toHaveLength(people);
    return mails.toSorted((a, b) => addressOf(a).localeCompare(addressOf(b)));
  }, PATIENT);

describe('whoever may decide', () => {
  it('is asked at their own address, with a token of their own that is kept nowhere', async () => {
    const id = await mailChannel();
    const about = required({ org_id: 7, also_levels: ['senior'] });
    await house.peer.publish(approvalRequired, about);
    const [lea, max] = await asked(about);
    expect([addressOf(lea!), addressOf(max!)]).toEqual([LEA.email, MAX.email]);
    for (const [mail, { user_id }] of [
      [lea!, LEA],
      [max!, MAX],
    ] as const) {
      const token = given.get(`${about.approval_id} ${user_id}`)![0]!;
      expect(mail.replyTo?.text).toBe(`approvals+${token}@lineclear.example`);
      expect(mail.subject).toMatch(/^\[LC-[0-9a-f]{6}\] ada asks for approval/);
      expect(mail.text).toMatch(/^Reply APPROVE or REJECT above this line/);
      expect(`${mail.subject}${mail.text}${String(mail.html)}`).not.toContain(token);
      expect(mail.text).toMatch(/\/api\/approvals\/links#canarylinkc{14}d*\d+\n/);
      expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    }
    await vi.waitFor(
      async () =>
        expect(await historyOf(house, id)).toMatchObject([
          { status: 'sent', event_type: 'approval.required', job_id: about.job_id },
          { status: 'sent', event_type: 'approval.required', job_id: about.job_id },
        ]),
      PATIENT,
    );
    const { database } = house.service;
    const tables = await database.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) => database.query(`select t::text from "${name}" t`)),
    );
    expect(JSON.stringify(rows)).toContain(about.approval_id);
    expect(JSON.stringify(rows)).not.toContain('canary');
  });

  it('is asked once, beside others who want to hear of it, whatever the letter case', async () => {
    const id = await mailChannel();
    const other = await mailChannel({});
    for (const channel_id of [id, other])
      await house.admin.post(`${BASE}/preferences`, {
        event_type: 'approval.*',
        channel_id,
        recipients: ['max@lineclear.test', 'curious@lineclear.test'],
      });
    const hook = await webhookFor(house, '/approvals', 'approval.required');
    const about = required();
    const eventId = await house.peer.publish(approvalRequired, about);
    await house.peer.publish(approvalRequired, about, { id: eventId });
    // Told of again, as to whoever lost sight of it: those who only want to hear of it do.
    await asked(about, 4);
    await house.peer.publish(approvalRequired, about);
    const mails = await asked(about, 6);
    expect(mails.map(addressOf).sort()).toEqual(
      [LEA.email, MAX.email, ...Array<string>(4).fill('curious@lineclear.test')].sort(),
    );
    const [curious] = mails.filter((mail) => addressOf(mail).startsWith('curious'));
    expect(curious!.replyTo).toBeUndefined();
    await vi.waitFor(() => expect(house.receiver.at('/approvals')).toHaveLength(2), PATIENT);
    expect(house.receiver.at('/approvals')[0]!.body).not.toMatch(/person|lea@|canary/);
    expect(await historyOf(house, hook.id)).toHaveLength(2);
  });

  it('is told how to decide otherwise where nobody reads answers', async () => {
    await mailChannel({});
    const about = required();
    await house.peer.publish(approvalRequired, about);
    const [mail] = await asked(about);
    expect(mail!.replyTo).toBeUndefined();
    expect(mail!.text).not.toContain('Reply APPROVE');
    expect(mail!.text).toContain(`/api/approvals/requests/${about.approval_id}/approve`);
    expect(mail!.text).toMatch(/\nLook at it and decide in a browser: .*#canarylink/);
  });

  it('is asked through a channel that answers come back to, if there is one', async () => {
    const first = await mailChannel({});
    const second = await mailChannel();
    const about = required();
    await house.peer.publish(approvalRequired, about);
    await asked(about);
    expect(await historyOf(house, first)).toEqual([]);
    expect(await historyOf(house, second)).toHaveLength(2);
    // Best of all one where somebody looks, if only soon.
    const third = await mailChannel({
      reply_to: INBOUND,
      imap_enabled: true,
      imap_host: '127.0.0.1',
      imap_port: 9,
      imap_username: 'approvals',
      imap_password: 'nobody is there',
    });
    const looked = required();
    await house.peer.publish(approvalRequired, looked);
    await asked(looked);
    expect(await historyOf(house, third)).toHaveLength(2);
    await house.admin.delete(`${BASE}/channels/${third}`);
    // Until nobody reads them any more.
    await house.admin.patch(`${BASE}/channels/${second}`, { reply_to: null });
    const later = required();
    await house.peer.publish(approvalRequired, later);
    await asked(later);
    expect(await historyOf(house, first)).toHaveLength(2);
  });

  it('is asked again by a reminder, with a token of its own', async () => {
    await mailChannel();
    const about = required();
    await house.peer.publish(approvalRequired, about);
    await asked(about);
    for (const number of [1, 2]) await house.peer.publish(approvalReminder, { ...about, number });
    const all = await asked(about, 6);
    expect(all.filter(({ subject }) => subject?.includes('Reminder: ')).length).toBe(4);
    const toLea = all.filter((mail) => addressOf(mail) === LEA.email);
    expect(new Set(toLea.map(({ replyTo }) => replyTo?.text)).size).toBe(3);
  });

  it('is asked again once others are to decide, and told how many it takes', async () => {
    await mailChannel();
    const stages = [
      { approvals: 1, levels: ['lead'] },
      { name: 'money', approvals: 2, levels: ['admin'] },
    ];
    const about = required({ stages, rejections: 2 });
    await house.peer.publish(approvalRequired, about);
    const [first] = await asked(about);
    expect(first?.text).toContain('Stage: 1 of 2: takes 1 approval, or 2 rejections to end it');
    await house.peer.publish(approvalStageStarted, { ...about, stage: 2, round: 1, cause: 'stage' });
    const all = await asked(about, 4);
    const second = all.filter(({ text }) =>
      text?.includes('Stage: 2 of 2 (money): takes 2 approvals, or 2 rejections to end it'),
    );
    expect(second).toHaveLength(2);
    expect(askedAbout.get(about.approval_id)?.slice(-2)).toEqual(['2/1', '2/1']);
    expect(new Set(all.map(({ replyTo }) => replyTo?.text)).size).toBe(4);
  });

  it('is asked when it is escalated to them, and those who were asked before are not again', async () => {
    await mailChannel();
    const about = required();
    await house.peer.publish(approvalEscalated, { ...about, cause: 'time', ask: [MAX.user_id, 4_711] });
    const [mail] = await asked(about, 1);
    expect(addressOf(mail!)).toBe(MAX.email);
    expect(mail!.text).toMatch(/^Reply APPROVE or REJECT above this line/);
  });

  it('is told when an approval was passed, without a way to decide', async () => {
    await mailChannel();
    const about = required();
    await house.peer.publish(approvalBypassed, { ...about, bypass_reason: 'the demo is at noon', number: 1 });
    const mails = await asked(about);
    for (const mail of mails) {
      expect(mail.subject).toContain('Approval passed');
      expect(mail.text).toContain('the demo is at noon');
      expect(mail.text).not.toMatch(/canary|reply APPROVE/i);
    }
  });

  it('gets a new token with each mail, and none when the request is over', async () => {
    const id = await mailChannel();
    const about = required();
    await house.peer.publish(approvalRequired, about);
    await asked(about);
    const ofLea = async () =>
      (await historyOf(house, id)).find((one) => one['recipient'] === LEA.email && one['status'] === 'sent');
    const delivery = await vi.waitFor(async () => {
      const found = await ofLea();
      expect(found).toBeDefined();
      return String(found!['id']);
    }, PATIENT);
    const resend = () => house.admin.post(`${BASE}/deliveries/${delivery}/resend`);
    expect((await resend()).status).toBe(202);
    await asked(about, 3);
    const tokens = given.get(`${about.approval_id} ${LEA.user_id}`)!;
    expect(tokens).toHaveLength(2);
    await vi.waitFor(async () => expect(await ofLea()).toBeDefined(), PATIENT);
    closed.add(about.approval_id);
    expect((await resend()).status).toBe(202);
    await vi.waitFor(
      async () =>
        expect((await historyOf(house, id)).find((one) => one['id'] === delivery)).toMatchObject({
          status: 'failed',
          error: 'what this mail is about is over',
        }),
      PATIENT,
    );
    expect(mailsAbout(about.approval_id)).toHaveLength(3);
    // Nobody misses it: that is no failure to tell of.
    expect(house.peer.events(webhookFailure)).toEqual([]);
  });

  it('is asked when approvals is back, and nobody where there is nobody', async () => {
    const id = await mailChannel();
    house.peer.stopAnswering(approversNow);
    house.peer.stopAnswering(replyToken);
    const [about, nobodys] = [required(), required()];
    lonely.add(nobodys.approval_id);
    await house.peer.publish(approvalRequired, nobodys);
    await house.peer.publish(approvalRequired, about);
    tellWhom();
    await vi.waitFor(
      async () =>
        expect(
          await house.service.database.query(
            `select from delivery where channel_id = $1 and last_error like '%approvals does not answer%'`,
            [id],
          ),
        ).toHaveLength(2),
      PATIENT,
    );
    giveTokens();
    await asked(about);
    expect(mailsAbout(nobodys.approval_id)).toEqual([]);
  });
});

describe('whoever answered', () => {
  const answered = (more: Partial<EventData<typeof replyHandled>>): EventData<typeof replyHandled> => ({
    mail_id: randomUUID(),
    to: LEA.email,
    outcome: 'approved',
    message: `You approved it (${randomUUID()}).`,
    approval_id: randomUUID(),
    ...more,
  });
  const mailsSaying = (text: string): ParsedMail[] => sink.mails.filter((mail) => mail.text?.includes(text));
  const counted = async (outcome: string, answer: string): Promise<number> => {
    const metrics: string = (await house.admin.get('/metrics')).body;
    const found = new RegExp(
      `lineclear_approval_replies_total\\{[^}]*outcome="${outcome}",answer="${answer}"[^}]*\\} (\\d+)`,
    ).exec(metrics);
    return Number(found?.[1] ?? 0);
  };

  it('is told what became of it by a mail that nothing answers', async () => {
    await mailChannel();
    const about = answered({ to: 'told@lineclear.test' });
    const eventId = await house.peer.publish(replyHandled, about);
    await house.peer.publish(replyHandled, about, { id: eventId });
    const mail = await vi.waitFor(() => {
      const [found] = mailsSaying(about.message);
      expect(found).toBeDefined();
      return found!;
    }, PATIENT);
    expect(addressOf(mail)).toBe(about.to);
    expect(mail.subject).toMatch(/^\[LC-[0-9a-f]{6}\] Your answer: approved$/);
    expect(mail.headers.get('auto-submitted')).toBe('auto-replied');
    expect(mail.headers.get('x-auto-response-suppress')).toBe('All');
    expect(mail.replyTo).toBeUndefined();
    expect(senders[sink.mails.indexOf(mail)]).toBe('');
    expect(mailsSaying(about.message)).toHaveLength(1);
    expect(await counted('approved', 'mailed')).toBeGreaterThan(0);
  });

  it('gets no mail where it may have been anybody', async () => {
    const id = await mailChannel();
    for (const outcome of ['unproven', 'token_unknown'] as const) {
      await house.peer.publish(replyHandled, answered({ outcome, to: 'victim@lineclear.test' }));
      await vi.waitFor(async () => expect(await counted(outcome, 'withheld')).toBe(1), PATIENT);
    }
    expect(await historyOf(house, id)).toEqual([]);
  });

  it('gets ten mails an hour at most, and others theirs', async () => {
    const id = await mailChannel();
    for (let n = 0; n < 12; n += 1) {
      const to = n % 2 === 0 ? 'loop@lineclear.test' : 'Loop@lineclear.test';
      await house.peer.publish(replyHandled, answered({ to, outcome: 'unclear' }));
    }
    await vi.waitFor(async () => expect(await counted('unclear', 'too_many')).toBe(2), PATIENT);
    expect(await historyOf(house, id)).toHaveLength(10);
    await house.peer.publish(replyHandled, answered({ to: 'other@lineclear.test', outcome: 'unclear' }));
    await vi.waitFor(async () => expect(await historyOf(house, id)).toHaveLength(11), PATIENT);
    // An hour later it is told again.
    await house.service.database.query(
      `update delivery set created_at = created_at - interval '1 hour' where event_type = 'approval.reply_handled'`,
    );
    await house.peer.publish(replyHandled, answered({ to: 'loop@lineclear.test', outcome: 'unclear' }));
    await vi.waitFor(async () => expect(await historyOf(house, id)).toHaveLength(12), PATIENT);
  });

  it('is told nothing where there is no way to mail', async () => {
    await house.peer.publish(replyHandled, answered({ outcome: 'rejected' }));
    await vi.waitFor(async () => expect(await counted('rejected', 'no_channel')).toBe(1), PATIENT);
  });
});

it('takes an address for answers that has room for a token, shows it, and gives it up', async () => {
  const email = { ...EMAIL, smtp_port: sink.port };
  const id = await mailChannel();
  const path = `${BASE}/channels/${id}`;
  expect((await house.admin.get(path)).body.reply_to).toBe(INBOUND);
  const bad = [
    ['reply_to', { ...email, reply_to: 'nobody' }],
    ['reply_to', { ...email, reply_to: 'approvals+all@lineclear.example' }],
    ['reply_to', { ...email, reply_to: `${'a'.repeat(32)}@lineclear.example` }],
    ['reply_to', { ...email, reply_to: 'Lea <lea@lineclear.example>' }],
    ['reply_to', { ...email, reply_to: null }],
  ] as const;
  await refusesBadInput(house.admin.post, `${BASE}/channels`, email, bad);
  expect((await house.admin.patch(path, { reply_to: 'other@lineclear.example' })).body.reply_to).toBe(
    'other@lineclear.example',
  );
  expect((await house.admin.patch(path, { reply_to: null })).body).not.toHaveProperty('reply_to');
  const hook = await webhookFor(house, '/none', 'job.*');
  expect((await house.admin.patch(`${BASE}/channels/${hook.id}`, { reply_to: INBOUND })).status).toBe(400);
});
