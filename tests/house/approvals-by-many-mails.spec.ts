import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import {
  client,
  fakeProviderConfig,
  startFakeProvider,
  type Client,
  type FakeProvider,
} from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person, receiveMails } from './furnish.js';
import { openMailbox, RELAY, type Mailbox, type SentAnswer } from './mailbox.js';

/** `npm run bench` has a thousand. */
const ANSWERED = 100;
/** Requests that nothing but hostile mails answers. */
const VICTIMS = 12;
const HALF = ANSWERED / 2;
/** So many mails at most are tried until the replica has handled one. */
const MOST_LATE = 200;
const PATIENT = { timeout: 120_000, interval: 250 };
const LEA = 'lea@lineclear.test';
const ADA = 'ada@lineclear.test';

let home: string;
let house: House;
let provider: FakeProvider;
let sent: Awaited<ReturnType<typeof receiveMails>>;
let mailbox: Mailbox;
let admin: Client;
let ada: Client;
let replica: ChildProcess | undefined;
let replicaHandled = 0;
const printed: string[] = [];

beforeAll(async () => {
  home = makeScratchFolder('many-mails');
  provider = await startFakeProvider({ finish: 'never' });
  sent = await receiveMails();
  mailbox = await openMailbox(join(home, 'mailbox'));
  mkdirSync(home, { recursive: true });
  const config = join(home, 'lineclear.yaml');
  const limits = { requests_per_minute_per_principal: 100_000, requests_per_minute_per_address: 100_000 };
  writeFileSync(config, JSON.stringify({ limits, providers: { fake: fakeProviderConfig(provider.url) } }));
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_FORMAT: 'json',
      REPLY_SENDER_CHECK: 'trusted_relay',
      REPLY_TRUSTED_AUTHSERV_ID: RELAY,
    },
    print: (_, line) => printed.push(line),
  });
  admin = client(house.url, house.adminKey);
  ada = await person(house.url, admin, 'ada', 'researcher');
  await person(house.url, admin, 'lea', 'lead');
  const rule = { name: 'all', condition: 'provider', threshold: 'fake', required_approver_level: 'lead' };
  ok(await admin.post('/api/approvals/rules', rule), 201);
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
  await vi.waitFor(() => expect(printed.join('\n')).toContain('a mailbox is being read'), PATIENT);
  await startReplica();
}, 180_000);

afterAll(async () => {
  if (replica) await killReplica();
  await house?.stop();
  await mailbox?.close();
  await sent?.close();
  await provider?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** One more notifier, with the environment of the first. */
async function startReplica(): Promise<void> {
  const environ = readFileSync(`/proc/${house.services['notifier']!.pid}/environ`, 'utf8');
  const env = Object.fromEntries(
    environ.split('\0').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
  const script = join(process.cwd(), 'apps/notifier/bundle/main.js');
  replica = spawn(process.execPath, [script], {
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const isReading = new Promise<void>((heard) => {
    createInterface({ input: replica!.stdout! }).on('line', (line) => {
      if (line.includes('a mailbox is being read')) heard();
      if (line.includes('a mail was received')) replicaHandled += 1;
    });
  });
  await isReading;
}

async function killReplica(): Promise<void> {
  const ended = once(replica!, 'exit');
  replica!.kill('SIGKILL');
  if (replica!.exitCode === null && replica!.signalCode === null) await ended;
  replica = undefined;
}

const statuses = async (): Promise<Map<string, Record<string, unknown>>> => {
  const found = new Map<string, Record<string, unknown>>();
  let cursor: number | undefined;
  do {
    const page = cursor === undefined ? '' : `&cursor=${cursor}`;
    const body = ok(await admin.get(`/api/approvals/requests?limit=100${page}`));
    for (const request of body.requests) found.set(request.job_id, request);
    cursor = body.next_cursor;
  } while (cursor !== undefined);
  return found;
};

const answer = (token: string, more: Partial<SentAnswer> = {}): Promise<void> =>
  mailbox.deliver({
    from: LEA,
    to: `approvals+${token}@lineclear.test`,
    text: 'Approve',
    isVouchedFor: true,
    ...more,
  });

const isApproved = (n: number): boolean => n % 3 !== 0;
const word = (n: number, isTurned = false): string =>
  isApproved(n) !== isTurned ? 'Approve' : 'Reject, too dear';

it('decides each of many requests once by its mail, whichever replica dies, and none by a hostile one', async () => {
  const jobs: string[] = [];
  for (let n = 0; n < ANSWERED + VICTIMS; n += 1) {
    const job = {
      config_name: `mail-${n}`,
      config: {},
      hardware: 'gpu-a100',
      estimated_duration_seconds: 60,
    };
    jobs.push(ok(await ada.post('/api/cloud/fake/submit', job), 202).job_id);
  }
  const tokens = new Map<string, string>();
  await vi.waitFor(() => {
    for (const mail of sent.mails.filter((one) => one.includes(`To: ${LEA}`))) {
      const token = /^Reply-To: approvals\+([a-z2-7]{32})@/m.exec(mail)?.[1];
      const job = /\bjob_[0-9a-z]+/.exec(mail)?.[0];
      if (token !== undefined && job !== undefined) tokens.set(job, token);
    }
    expect(tokens.size).toBe(jobs.length);
  }, PATIENT);
  const tokenOf = (n: number): string => tokens.get(jobs[n]!)!;

  const hostile: ((n: number) => Promise<void>)[] = [
    (n) => answer(tokenOf(ANSWERED + (n % VICTIMS)), { from: ADA }),
    (n) => answer(tokenOf(ANSWERED + (n % VICTIMS)), { isVouchedFor: false }),
    (n) => answer(tokenOf(ANSWERED + (n % VICTIMS)), { header: ['Auto-Submitted: auto-replied'] }),
    (n) => answer('a'.repeat(30) + String(22 + (n % 6)), {}),
    // The same word once more: one of the two decides.
    (n) => answer(tokenOf(n), { text: word(n) }),
  ];
  const deliver = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1) {
      await answer(tokenOf(n), { text: word(n) });
      if (n % 2 === 0) await hostile[(n / 2) % hostile.length]!(n);
    }
  };
  const decided = async (count: number): Promise<void> =>
    vi.waitFor(async () => {
      const open = [...(await statuses()).values()].filter(({ status }) => status === 'pending');
      expect(jobs.length - open.length).toBeGreaterThanOrEqual(count);
    }, PATIENT);

  await deliver(0, HALF);
  await decided(HALF);
  // Those tokens are spent: the opposite word changes nothing any more. So many of them, that the replica has its share.
  const noted = async (): Promise<number> =>
    ok(await admin.get('/api/cloud/notifications/replies?limit=1')).total;
  let late = 0;
  do {
    for (let n = 0; n < HALF; n += 5) await answer(tokenOf(n), { text: word(n, true) });
    late += HALF / 5;
    await vi.waitFor(async () => expect(await noted()).toBe(HALF + HALF / 2 + late), PATIENT);
  } while (replicaHandled === 0 && late < MOST_LATE);
  expect(replicaHandled).toBeGreaterThan(0);
  await Promise.all([deliver(HALF, ANSWERED), decided(HALF + 1).then(killReplica)]);
  await decided(ANSWERED);
  const mails = ANSWERED + HALF + late;
  await vi.waitFor(async () => expect(await noted()).toBe(mails), PATIENT);
  // Every answer has had its effect, or none: approvals has said of each what became of it.
  const autoReplies = HALF / hostile.length;
  await vi.waitFor(() => {
    const lines = printed.filter((line) => line.includes('an approval mail was answered'));
    const handled = new Set(lines.map((line) => /"mail_id":"([^"]+)"/.exec(line)?.[1]));
    expect(handled.size).toBe(mails - autoReplies);
  }, PATIENT);

  const requests = await statuses();
  for (const [n, job] of jobs.entries()) {
    const wanted = n >= ANSWERED ? 'pending' : isApproved(n) ? 'approved' : 'rejected';
    expect(requests.get(job), `request ${n}`).toMatchObject({
      status: wanted,
      ...(n < ANSWERED && { reviewed_by: 'lea' }),
    });
  }
  // One entry of the audit log for each decision, and no other.
  const inLog: string[] = [];
  for (const action of ['approval.approved', 'approval.rejected']) {
    const { entries } = ok(await admin.get(`/api/audit?action=${action}&limit=500`));
    for (const { details } of entries) inLog.push(details.job_id);
  }
  expect(inLog.toSorted()).toEqual(jobs.slice(0, ANSWERED).toSorted());
}, 300_000);
