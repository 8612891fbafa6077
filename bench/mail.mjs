// From the mail that answers to the decision, at a pace and all at once. Prints a table, writes bench-mail-results.json.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { connect } from '@nats-io/transport-node';
import { eventsIn } from '@lineclear/contracts';
import { startHouse } from '@lineclear/launcher';
import { startDovecot } from '@lineclear/servers';
import { fakeProviderConfig, startFakeProvider } from '@lineclear/testkit/fake-provider';
import { ImapFlow } from 'imapflow';
import { openLoop, quantile, sleep } from './measure.mjs';
import { openRows } from './rows.mjs';
import { call, LIMITS, newUser } from './setup.mjs';

const AT_ONCE = Number(process.env.BENCH_MAILS ?? 1_000);
const PACED = 300;
const PER_SECOND = 10;
const RELAY = 'mx.lineclear.test';
const LOGIN = { user: 'approvals', pass: 'of-the-bench' };
const LEA = 'lea@lineclear.test';
const PATIENCE_MS = 300_000;

const { row, write } = openRows();

/** The least that a mail server can be: it takes every mail and keeps its token, by the job it asks about. */
async function receiveTokens() {
  const tokens = new Map();
  const server = createServer((socket) => {
    let lines;
    const say = (text) => socket.write(`${text}\r\n`);
    socket.on('error', () => undefined);
    const input = createInterface({ input: socket });
    input.on('error', () => undefined);
    input.on('line', (line) => {
      if (lines === undefined) {
        if (line === 'DATA') lines = [];
        say(lines ? '354 go on' : '250 fine');
      } else if (line === '.') {
        const mail = lines.join('\n').replaceAll('=\n', '');
        const [token] = /(?<=^Reply-To: approvals\+)[a-z2-7]{32}(?=@)/m.exec(mail) ?? [];
        if (token && mail.includes(`To: ${LEA}`)) tokens.set(/\bjob_[0-9a-z]+/.exec(mail)[0], token);
        lines = undefined;
        say('250 taken');
      } else lines.push(line);
    });
    say('220 here');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { tokens, port: server.address().port, close: () => server.close() };
}

/** Hands mails over by LMTP, all on one connection, one after the other; each promise is kept once the server has the mail. */
function openLmtp(path) {
  const socket = connectTcp(path);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const said = async () => {
    for (;;) {
      const { value = '(nothing)' } = await lines.next();
      if (value[3] === '-') continue;
      if (!/^[23]/.test(value)) throw new Error(`the mail server said ${value}`);
      return;
    }
  };
  const say = (text) => {
    socket.write(`${text}\r\n`);
    return said();
  };
  let turn = said().then(() => say(`LHLO ${RELAY}`));
  return {
    handOver(to) {
      turn = turn.then(async () => {
        await say(`MAIL FROM:<${LEA}>`);
        await say('RCPT TO:<approvals>');
        await say('DATA');
        const mail = [
          `Authentication-Results: ${RELAY}; dmarc=pass header.from=lineclear.test`,
          `From: ${LEA}`,
          `To: ${to}`,
          'Subject: Re: a job asks for approval',
          `Message-ID: <${randomUUID()}@lineclear.test>`,
          `Date: ${new Date().toUTCString()}`,
          'Content-Type: text/plain; charset=utf-8',
          '',
          'Approve',
          '.',
        ];
        await say(mail.join('\r\n'));
      });
      return turn;
    },
    close: () => socket.destroy(),
  };
}

/** The floor: a mail handed over until a bare client that waits in IDLE has fetched it, in a mailbox that nobody else reads. */
async function measureFloor(dir) {
  const server = await startDovecot({ dir, users: { [LOGIN.user]: LOGIN.pass } });
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    auth: LOGIN,
    logger: false,
    autoIdleDelay: 20,
  });
  const lmtp = openLmtp(server.lmtpSocket);
  const starts = [];
  const latencies = [];
  try {
    await client.connect();
    await client.mailboxOpen('INBOX');
    let seen = 0;
    let isLooking = false;
    const look = async () => {
      if (isLooking) return;
      isLooking = true;
      while (client.mailbox.exists > seen) {
        await client.fetchOne(String(seen + 1), { source: true });
        latencies.push(performance.now() - starts[seen]);
        seen += 1;
      }
      isLooking = false;
    };
    client.on('exists', () => void look());
    await openLoop(PER_SECOND, PACED / PER_SECOND, () => {
      starts.push(performance.now());
      return lmtp.handOver('approvals@lineclear.test');
    });
    const deadline = performance.now() + 10_000;
    while (latencies.length < PACED && performance.now() < deadline) await sleep(50);
    return latencies;
  } finally {
    lmtp.close();
    client.close();
    await server.stop();
  }
}

const until = async (isSo, what) => {
  for (const deadline = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(20))
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
};

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-mail-'));
const provider = await startFakeProvider({ finish: 'never' });
const inbound = await receiveTokens();
let server;
let house;
let nats;
let lmtp;
try {
  const floor = await measureFloor(join(home, 'floor'));
  for (const share of [0.5, 0.95, 0.99])
    row(`floor.mail_to_fetch_p${share * 100}_ms`, quantile(floor, share), 'ms');

  server = await startDovecot({ dir: join(home, 'dovecot'), users: { [LOGIN.user]: LOGIN.pass } });
  const config = join(home, 'bench.yaml');
  writeFileSync(
    config,
    JSON.stringify({ limits: LIMITS, providers: { fake: fakeProviderConfig(provider.url) } }),
  );
  let isRead = false;
  house = await startHouse({
    home: join(home, 'house'),
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_LOG_FORMAT: 'json',
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      REPLY_SENDER_CHECK: 'trusted_relay',
      REPLY_TRUSTED_AUTHSERV_ID: RELAY,
    },
    print: (_, line) => (isRead ||= line.includes('a mailbox is being read')),
  });
  const admin = (path, body) => call(house, house.adminKey, 'POST', path, body);
  const ada = await newUser(house, 'ada', 'researcher');
  await newUser(house, 'lea', 'lead');
  await admin('/api/approvals/rules', {
    name: 'all',
    condition: 'provider',
    threshold: 'fake',
    required_approver_level: 'lead',
  });
  await admin('/api/cloud/notifications/channels', {
    channel_type: 'email',
    name: 'mail',
    smtp_host: '127.0.0.1',
    smtp_port: inbound.port,
    smtp_use_tls: false,
    smtp_from_address: 'house@lineclear.test',
    reply_to: 'approvals@lineclear.test',
    imap_enabled: true,
    imap_host: '127.0.0.1',
    imap_port: server.port,
    imap_username: LOGIN.user,
    imap_password: LOGIN.pass,
    imap_use_ssl: false,
  });
  await until(() => isRead, 'the mailbox to be read');

  const { origin, username, password } = new URL(house.servers.nats.url.replace('nats:', 'http:'));
  nats = await connect({
    servers: origin.replace('http://', ''),
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    name: 'bench',
  });
  const decided = new Map();
  nats.subscribe('lineclear.approval.granted', {
    callback: (_, msg) => {
      const now = performance.now();
      for (const { data } of eventsIn(msg.string())) decided.set(data.job_id, now);
    },
  });
  await nats.flush();

  const held = async (count) => {
    const ids = [];
    const job = { config: {}, hardware: 'gpu-a100', estimated_duration_seconds: 60 };
    for (let n = 0; n < count; n += 1)
      ids.push(
        (await call(house, ada, 'POST', '/api/cloud/fake/submit', { ...job, config_name: `n${n}` })).job_id,
      );
    await until(() => ids.every((id) => inbound.tokens.has(id)), 'the approval mails');
    return ids;
  };
  lmtp = openLmtp(server.lmtpSocket);
  const starts = new Map();
  const reply = (id) => {
    starts.set(id, performance.now());
    return lmtp.handOver(`approvals+${inbound.tokens.get(id)}@lineclear.test`);
  };
  const latencies = (ids) => ids.map((id) => decided.get(id) - starts.get(id));

  const paced = await held(PACED);
  await openLoop(PER_SECOND, PACED / PER_SECOND, (n) => reply(paced[n]));
  await until(() => paced.every((id) => decided.has(id)), 'the decisions');
  for (const share of [0.5, 0.95, 0.99])
    row(
      `mail.to_decision_p${share * 100}_ms`,
      quantile(latencies(paced), share),
      'ms',
      share === 0.95 ? 2_000 : undefined,
      'less',
    );

  const many = await held(AT_ONCE);
  const before = performance.now();
  await Promise.all(many.map(reply));
  row('mail.handed_over_at_once', many.length / ((performance.now() - before) / 1_000), '/s');
  await until(() => many.every((id) => decided.has(id)), 'the decisions');
  row('mail.decided_at_once', many.length, 'mails', AT_ONCE);
  row('mail.decided_per_s', many.length / ((Math.max(...latencies(many)) || 1) / 1_000), '/s');
  for (const share of [0.5, 0.95, 0.99])
    row(`mail.at_once_to_decision_p${share * 100}_ms`, quantile(latencies(many), share), 'ms');
} finally {
  write('bench-mail-results.json');
  lmtp?.close();
  await nats?.close();
  await house?.stop();
  await server?.stop();
  await provider.close();
  inbound.close();
  rmSync(home, { recursive: true, force: true });
}
