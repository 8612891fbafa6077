import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replyReceived, type EventData } from '@lineclear/contracts';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Client } from '@lineclear/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person, receiveMails } from './furnish.js';
import { dumpOf, filesBelow, redisDump } from './kept.js';

const PATIENT = { timeout: 60_000 };
let home: string;
let house: House;
let mailbox: Awaited<ReturnType<typeof receiveMails>>;
let admin: Client;
const printed: string[] = [];

beforeAll(async () => {
  home = makeScratchFolder('by-mail');
  mailbox = await receiveMails();
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'debug',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (_, line) => printed.push(line),
  });
  admin = client(house.url, house.adminKey);
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await mailbox?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** What the notifier says when it has read an answer, said as it says things: by its outbox. */
async function say(reply: EventData<typeof replyReceived>): Promise<void> {
  const id = randomUUID();
  const envelope = {
    specversion: '1.0',
    id,
    type: replyReceived.name,
    source: 'lineclear/notifier',
    time: new Date().toISOString(),
    subject: `reply/${reply.mail_id}`,
    data: reply,
  };
  const outbox = new pg.Client({ connectionString: house.services['notifier']!.databaseUrl! });
  await outbox.connect();
  await outbox.query('insert into outbox (message_id, subject, body) values ($1, $2, $3)', [
    id,
    replyReceived.subject,
    JSON.stringify(envelope),
  ]);
  await outbox.end();
}

const mailTo = (address: string, words: string): Promise<string> =>
  vi.waitFor(() => {
    const mail = mailbox.mails.find((one) => one.includes(`To: ${address}`) && one.includes(words));
    expect(mail).toBeDefined();
    return mail!;
  }, PATIENT);

it('takes a held job from the mail to who may decide to its end by their answer, and keeps the token nowhere', async () => {
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
      smtp_port: mailbox.port,
      smtp_use_tls: false,
      smtp_from_address: 'house@lineclear.test',
      reply_to: 'approvals@lineclear.test',
    }),
    201,
  );
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
  expect(mailbox.mails.filter((one) => one.includes('To: ada@lineclear.test'))).toEqual([]);
  const answer: EventData<typeof replyReceived> = {
    mail_id: randomUUID(),
    token_sha256: createHash('sha256').update(token).digest('hex'),
    from: 'ada@lineclear.test',
    sender: 'dmarc',
    verdict: 'approve',
  };
  await say(answer);
  await mailTo('ada@lineclear.test', 'Your answer: not the approver');
  expect(ok(await ada.get(`/api/cloud/jobs/${job.job_id}`)).status).toBe('pending_approval');

  await say({ ...answer, mail_id: randomUUID(), from: 'lea@lineclear.test', comment: 'go' });
  await mailTo('lea@lineclear.test', 'Your answer: approved');
  await vi.waitFor(
    async () => expect(ok(await ada.get(`/api/cloud/jobs/${job.job_id}`)).status).toBe('completed'),
    PATIENT,
  );
  const { requests } = ok(await admin.get('/api/approvals/requests'));
  expect(requests).toMatchObject([{ status: 'approved', reviewed_by: 'lea', review_notes: 'go' }]);
  await vi.waitFor(async () => {
    const { entries } = ok(await admin.get('/api/audit?action=approval.*'));
    expect(JSON.stringify(entries)).toContain('approval.reply_refused');
  }, PATIENT);

  for (const { databaseUrl } of Object.values(house.services))
    if (databaseUrl) expect(await dumpOf(databaseUrl), databaseUrl).not.toContain(token);
  expect(await redisDump(house)).not.toContain(token);
  expect(printed.join('\n')).toContain('an approval mail was answered');
  expect(printed.join('\n')).not.toContain(token);
  for (const file of filesBelow(join(home, 'house')))
    expect(readFileSync(file).includes(token), file).toBe(false);
}, 180_000);
