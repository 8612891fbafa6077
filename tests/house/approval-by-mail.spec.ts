import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person, receiveMails } from './furnish.js';
import { dumpOf, filesBelow, redisDump } from './kept.js';
import { openMailbox, PASSWORD, RELAY, type Mailbox } from './mailbox.js';

const PATIENT = { timeout: 60_000 };
let home: string;
let house: House;
let sent: Awaited<ReturnType<typeof receiveMails>>;
let mailbox: Mailbox;
let admin: Client;
const printed: string[] = [];

beforeAll(async () => {
  home = makeScratchFolder('by-mail');
  sent = await receiveMails();
  mailbox = await openMailbox(join(home, 'mailbox'));
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'debug',
      LINECLEAR_LOG_FORMAT: 'json',
      REPLY_SENDER_CHECK: 'trusted_relay',
      REPLY_TRUSTED_AUTHSERV_ID: RELAY,
    },
    print: (_, line) => printed.push(line),
  });
  admin = client(house.url, house.adminKey);
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await mailbox?.close();
  await sent?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const mailTo = (address: string, words: string): Promise<string> =>
  vi.waitFor(() => {
    const mail = sent.mails.find((one) => one.includes(`To: ${address}`) && one.includes(words));
    expect(mail).toBeDefined();
    return mail!;
  }, PATIENT);

const logged = (words: string): Promise<void> =>
  vi.waitFor(() => expect(printed.some((line) => line.includes(words))).toBe(true), PATIENT);

it('takes a held job to its end by what who may decide answers to its mail, and keeps the token nowhere', async () => {
  const ada = await person(house.url, admin, 'ada', 'researcher');
  await person(house.url, admin, 'lea', 'lead');
  ok(
    await admin.put('/api/cloud/providers/local/config', { hardware: { local: { cost_per_hour_usd: 36 } } }),
  );
  ok(
    await admin.post('/api/approvals/rules', {
      name: 'high_cost',
      condition: 'cost_exceeds',
      threshold: '50',
      required_approver_level: 'lead',
    }),
    201,
  );
  ok(
    await admin.post('/api/cloud/notifications/channels', {
      channel_type: 'email',
      name: 'mail',
      smtp_host: '127.0.0.1',
      smtp_port: sent.port,
      smtp_use_tls: false,
      smtp_from_address: 'house@lineclear.test',
      reply_to: 'approvals@lineclear.test',
      ...mailbox.fields,
    }),
    201,
  );
  // What came before is not read.
  await logged('a mailbox is being read');
  const job = ok(
    await ada.post('/api/cloud/local/submit', {
      config_name: 'sleepless',
      config: { command: [process.execPath, '-e', '0'] },
      hardware: 'local',
      estimated_duration_seconds: 7_200,
    }),
    202,
  );
  expect(job.status).toBe('pending_approval');

  const mail = await mailTo('lea@lineclear.test', 'asks for approval');
  const token = /^Reply-To: approvals\+([a-z2-7]{32})@lineclear\.test$/m.exec(mail)![1]!;
  // To nobody else: not to who asks.
  expect(sent.mails.filter((one) => one.includes('To: ada@lineclear.test'))).toEqual([]);
  const answer = (words: string, from: string, isVouchedFor = true): Promise<void> =>
    mailbox.deliver({
      from,
      to: `approvals+${token}@lineclear.test`,
      text: `${words}\n\nOn Sat, 28 Nov 2026 at 10:12, <house@lineclear.test> wrote:\n> Reply APPROVE or REJECT above this line\n`,
      isVouchedFor,
    });
  const statusOfJob = async (): Promise<unknown> => ok(await ada.get(`/api/cloud/jobs/${job.job_id}`)).status;
  await answer('Approve', 'ada@lineclear.test');
  await mailTo('ada@lineclear.test', 'Your answer: not the approver');
  await answer('Approve', 'lea@lineclear.test', false);
  await vi.waitFor(async () => {
    const { entries } = ok(await admin.get('/api/audit?action=approval.reply_refused'));
    expect(JSON.stringify(entries)).toContain('unproven');
  }, PATIENT);
  await answer('I do not approve this', 'lea@lineclear.test');
  await mailTo('lea@lineclear.test', 'Your answer: unclear');
  expect(await statusOfJob()).toBe('pending_approval');

  await answer('Approve, go', 'lea@lineclear.test');
  await mailTo('lea@lineclear.test', 'Your answer: approved');
  await vi.waitFor(async () => expect(await statusOfJob()).toBe('completed'), PATIENT);
  const { requests } = ok(await admin.get('/api/approvals/requests'));
  expect(requests).toMatchObject([{ status: 'approved', reviewed_by: 'lea', review_notes: 'go' }]);
  await vi.waitFor(async () => {
    const { entries } = ok(await admin.get('/api/audit?action=approval.approved'));
    expect(entries).toMatchObject([{ details: { job_id: job.job_id, via: 'email' } }]);
  }, PATIENT);
  const { replies } = ok(await admin.get('/api/cloud/notifications/replies'));
  expect(replies.map((one: Record<string, unknown>) => [one['from'], one['sender'], one['verdict']])).toEqual(
    [
      ['lea@lineclear.test', 'trusted_relay', 'approve'],
      ['lea@lineclear.test', 'trusted_relay', 'unclear'],
      ['lea@lineclear.test', 'unproven', 'approve'],
      ['ada@lineclear.test', 'trusted_relay', 'approve'],
    ],
  );

  expect(printed.join('\n')).toContain('an approval mail was answered');
  const isFree = (where: string, text: string | Buffer): void => {
    for (const secret of [token, PASSWORD]) expect(text.includes(secret), where).toBe(false);
  };
  isFree('the log', printed.join('\n'));
  isFree('Redis', await redisDump(house));
  for (const { databaseUrl } of Object.values(house.services))
    if (databaseUrl) isFree(databaseUrl, await dumpOf(databaseUrl));
  for (const { path, bytes } of filesBelow(join(home, 'house'))) isFree(path, bytes);
}, 180_000);
