// What it costs to hand out secrets: asked over NATS as job-poller asks, one name and a thousand at once, from the store
// and from what is remembered. Prints a table, writes bench-secrets-results.json.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveSecrets } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { SERVICES, startHouse } from '@lineclear/launcher';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { closedLoop, quantile } from './measure.mjs';
import { processorTime } from './processor.mjs';
import { openRows } from './rows.mjs';
import { LIMITS } from './setup.mjs';

const CLIENTS = 32;
const SECRETS = 1_000;
const READS = Number(process.env.BENCH_READS ?? 1_000_000);
const name = (n) => `BENCH_${n}`;
const ALL = Array.from({ length: SECRETS }, (_, n) => name(n));

const { row, write } = openRows();
const key = new SealingKey();

/** Asks for these names as the adapter of a provider does; the values, opened. */
async function resolve(nats, names) {
  const data = { names, for: { purpose: 'provider', provider: 'bench' }, public_key: key.publicKey };
  const packet = JSON.stringify({ pattern: resolveSecrets.subject, data, id: '1' });
  const answer = (await nats.request(resolveSecrets.subject, packet, { timeout: 10_000 })).json();
  if (!answer.response?.box) throw new Error(JSON.stringify(answer));
  return JSON.parse(await key.open(answer.response.box));
}

async function must(nats, n) {
  const values = await resolve(nats, [name(n)]);
  if (values[name(n)] !== `value ${n}`) throw new Error(`${name(n)} is ${values[name(n)]}`);
}

const residentMb = (pid) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024;

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-'));
const config = join(home, 'bench.yaml');
writeFileSync(config, JSON.stringify({ limits: LIMITS }));
const file = join(home, 'secrets.json');
writeFileSync(file, JSON.stringify({ IN_FILE: 'remembered' }), { mode: 0o600 });
let house;
let nats;
let pool;
try {
  house = await startHouse({
    home,
    services: SERVICES.filter(({ name: service }) => ['auth', 'secrets'].includes(service)),
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_SECRETS_FILE: file,
      LINECLEAR_LOG_LEVEL: 'warn',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (from, text) => process.env.BENCH_LOG && console.error(from, text),
  });
  const { secrets } = house.services;
  const { username: user, password: pass, host } = new URL(house.servers.nats.url);
  nats = await connect({ servers: host, user, pass, name: 'bench' });
  pool = new pg.Pool({ connectionString: secrets.databaseUrl, max: CLIENTS });
  for (let n = 0; n < SECRETS; n += 1) {
    const response = await fetch(`${secrets.url}/api/secrets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${house.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: name(n), value: `value ${n}` }),
    });
    if (response.status !== 201) throw new Error(await response.text());
  }

  await pool.query('create table bench_floor (n int)');
  const commit = () => pool.query({ name: 'commit', text: 'insert into bench_floor values (1)' });
  const commits = await closedLoop(CLIENTS, 3, commit);
  row('floor.commits_per_s_32', commits.perSecond, '/s');
  nats.subscribe('bench.echo', { callback: (_, message) => message.respond(message.data) });
  const echo = await closedLoop(CLIENTS, 3, () => nats.request('bench.echo', 'x'.repeat(300)));
  row('floor.requests_per_s_32', echo.perSecond, '/s');

  let asked = 0;
  const ask = () => must(nats, (asked += 1) % SECRETS);
  await closedLoop(CLIENTS, 3, ask);
  const before = processorTime({ secrets: secrets.pid, postgres: house.servers.postgres.pid });
  const one = await closedLoop(CLIENTS, 8, ask);
  const after = processorTime({ secrets: secrets.pid, postgres: house.servers.postgres.pid });
  // Each is noted in the access log before its value leaves: a commit is its floor.
  row('secrets.resolve_stored_per_s', one.perSecond, '/s', commits.perSecond);
  row('secrets.resolve_stored_p50_ms', quantile(one.latencies, 0.5), 'ms');
  row('secrets.resolve_stored_p99_ms', quantile(one.latencies, 0.99), 'ms');
  for (const process of Object.keys(before))
    row(`processor.resolve.${process}_us`, (after[process] - before[process]) / one.latencies.length, 'us');

  const remembered = async () => {
    if ((await resolve(nats, ['IN_FILE'])).IN_FILE !== 'remembered') throw new Error('not remembered');
  };
  await closedLoop(CLIENTS, 2, remembered);
  const cached = await closedLoop(CLIENTS, 5, remembered);
  row('secrets.resolve_remembered_per_s', cached.perSecond, '/s', commits.perSecond);
  row('secrets.resolve_remembered_p50_ms', quantile(cached.latencies, 0.5), 'ms');

  const bulk = async () => {
    if (Object.keys(await resolve(nats, ALL)).length !== SECRETS) throw new Error('not all');
  };
  await closedLoop(1, 2, bulk);
  const thousand = await closedLoop(1, 5, bulk);
  const perSecond = SECRETS / (quantile(thousand.latencies, 0.5) / 1_000);
  row('secrets.resolve_1000_p50_ms', quantile(thousand.latencies, 0.5), 'ms');
  row('secrets.resolve_1000_names_per_s', perSecond, '/s', one.perSecond);

  // The first reads fill caches and pools: only what comes after them may not grow.
  const lap = async (reads) => {
    let left = reads / SECRETS;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while ((left -= 1) >= 0) await bulk();
      }),
    );
  };
  await lap(READS / 10);
  const warm = residentMb(secrets.pid);
  await lap(READS);
  row('secrets.rest_mb_before_reads', warm, 'MB');
  row(`secrets.rest_mb_after_${READS}_reads`, residentMb(secrets.pid), 'MB', warm, 'less');
} finally {
  write('bench-secrets-results.json');
  await nats?.close();
  await pool?.end();
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}
