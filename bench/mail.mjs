// From the mail that answers to the decision, at a pace, through a real relay, and all at once with two notifiers of which one is
// killed. Prints a table, writes bench-mail-results.json.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { eventsIn } from '@lineclear/contracts';
import { startHouse } from '@lineclear/launcher';
import { isRoot, makeScratchFolder, startDovecot, startPostfix } from '@lineclear/servers';
import { fakeProviderConfig, startFakeProvider } from '@lineclear/testkit/fake-provider';
import { LOGIN, measureMailServer, openDoor, receiveTokens, RELAY } from './mail-peers.mjs';
import { openLoop, quantile, sleep } from './measure.mjs';
import { openRows } from './rows.mjs';
import { call, LIMITS, newUser } from './setup.mjs';

const AT_ONCE = Number(process.env.BENCH_MAILS ?? 1_000);
const PACED = 300;
const PER_SECOND = 10;
const DOORS = 4;
const PATIENCE_MS = 300_000;
const NOTIFIER = fileURLToPath(new URL('../apps/notifier/bundle/main.js', import.meta.url));

const { row, write } = openRows();
const quantiles = (figure, latencies, wantedP95) => {
  for (const share of [0.5, 0.95, 0.99])
    row(
      `${figure}_p${share * 100}_ms`,
      quantile(latencies, share),
      'ms',
      share === 0.95 ? wantedP95 : undefined,
      'less',
    );
};

const until = async (isSo, what) => {
  for (const deadline = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(20))
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
};

/** One more notifier, with the environment of the first, that reads the mailbox too. */
async function startReplica(house) {
  const environ = readFileSync(`/proc/${house.services.notifier.pid}/environ`, 'utf8');
  const env = Object.fromEntries(
    environ
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const child = spawn(process.execPath, [NOTIFIER], {
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const replica = {
    handled: 0,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
  await new Promise((reads, ended) => {
    child.once('exit', () => ended(new Error('the second notifier ended')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('a mailbox is being read')) reads();
      if (line.includes('a mail was received')) replica.handled += 1;
    });
  });
  return replica;
}

/** A real Postfix before the mailbox, or undefined where none can be started. */
async function startRelay(dir, lmtpSocket) {
  try {
    if (!isRoot()) throw new Error('it takes root');
    return await startPostfix({ dir, domain: 'lineclear.test', lmtpSocket });
  } catch (error) {
    console.warn(
      `\nNOT MEASURED: the way through a real Postfix. It cannot be started here: ${error.message}\n`,
    );
    return undefined;
  }
}

const home = makeScratchFolder('bench-mail');
const provider = await startFakeProvider({ finish: 'never' });
const inbound = await receiveTokens();
const openLmtp = (path) => openDoor(connectTcp(path), 'lmtp');
/** What is to be closed, the last one first. */
const opened = [];
try {
  const floor = await measureMailServer(join(home, 'floor'), openLmtp, {
    paced: PACED,
    perSecond: PER_SECOND,
    atOnce: AT_ONCE,
  });
  quantiles('floor.mail_to_fetch', floor.latencies);
  row('floor.mails_fetched_and_moved_per_s', floor.perSecond, '/s');

  const server = await startDovecot({ dir: join(home, 'dovecot'), users: { [LOGIN.user]: LOGIN.pass } });
  opened.push(() => server.stop());
  const config = join(home, 'bench.yaml');
  writeFileSync(
    config,
    JSON.stringify({ limits: LIMITS, providers: { fake: fakeProviderConfig(provider.url) } }),
  );
  let isRead = false;
  const house = await startHouse({
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
  opened.push(() => house.stop());
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

  const { host, username, password } = new URL(house.servers.nats.url.replace('nats:', 'http:'));
  const nats = await connect({
    servers: host,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    name: 'bench',
  });
  opened.push(() => nats.close());
  const decided = new Map();
  /** The decisions on each job: an event may come twice, and is one all the same. */
  const decisions = new Map();
  nats.subscribe('lineclear.approval.granted', {
    callback: (_, msg) => {
      const now = performance.now();
      for (const { id, data } of eventsIn(msg.string())) {
        if (!decided.has(data.job_id)) decided.set(data.job_id, now);
        decisions.set(data.job_id, (decisions.get(data.job_id) ?? new Set()).add(id));
      }
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
  const starts = new Map();
  const replyBy = (door) => (id) => {
    starts.set(id, performance.now());
    return door.handOver(`approvals+${inbound.tokens.get(id)}@lineclear.test`);
  };
  const latencies = (ids) => ids.map((id) => decided.get(id) - starts.get(id));
  const atAPace = async (figure, door) => {
    opened.push(() => door.close());
    const reply = replyBy(door);
    const ids = await held(PACED);
    await openLoop(PER_SECOND, PACED / PER_SECOND, (n) => reply(ids[n]));
    await until(() => ids.every((id) => decided.has(id)), 'the decisions');
    quantiles(figure, latencies(ids), 2_000);
  };

  await atAPace('mail.to_decision', openLmtp(server.lmtpSocket));
  const relay = await startRelay(join(home, 'postfix'), server.lmtpSocket);
  if (relay) {
    opened.push(() => relay.stop());
    await atAPace('mail.through_postfix_to_decision', openDoor(connectTcp(relay.port, '127.0.0.1'), 'smtp'));
  }

  const replica = await startReplica(house);
  opened.push(() => replica.kill());
  const many = await held(AT_ONCE);
  // One connection would hand over less than is read.
  const replies = Array.from({ length: DOORS }, () => {
    const door = openLmtp(server.lmtpSocket);
    opened.push(() => door.close());
    return replyBy(door);
  });
  const before = performance.now();
  const handedOver = Promise.all(many.map((id, n) => replies[n % DOORS](id))).then(() =>
    row('mail.handed_over_at_once', many.length / ((performance.now() - before) / 1_000), '/s'),
  );
  const decidedOf = () => many.filter((id) => decided.has(id)).length;
  await until(() => decidedOf() >= AT_ONCE / 2, 'half of the decisions');
  await replica.kill();
  row('mail.handled_by_the_one_killed', replica.handled, 'mails');
  await handedOver;
  await until(() => decidedOf() === AT_ONCE, 'the decisions');
  row(`mail.decided_of_${AT_ONCE}`, decidedOf(), 'mails', AT_ONCE);
  row('mail.decided_twice', many.filter((id) => decisions.get(id).size > 1).length, 'mails');
  const seconds = (Math.max(...many.map((id) => decided.get(id))) - before) / 1_000;
  row('mail.decided_per_s', many.length / seconds, '/s', floor.perSecond);
  quantiles('mail.at_once_to_decision', latencies(many));
} finally {
  write('bench-mail-results.json');
  for (const close of opened.reverse()) await close();
  await provider.close();
  inbound.close();
  rmSync(home, { recursive: true, force: true });
}
