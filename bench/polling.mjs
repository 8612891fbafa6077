// What it takes to watch 10,000 runs of one account that lists: calls to the provider and time of one sweep, beside the time of
// the list alone. Prints a table, writes bench-polling-results.json.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { startService } from '@lineclear/kit';
import { makeScratchFolder, startNats, startPostgres, startRedis } from '@lineclear/servers';
import { Pool } from 'undici';
import { define } from '../apps/job-poller/dist/app.module.js';
import { SweepsRepo } from '../apps/job-poller/dist/db/sweeps.repo.js';
import { SweepAccount } from '../apps/job-poller/dist/jobs/sweep-account.js';
import { quantile, sleep } from './measure.mjs';
import { openRows } from './rows.mjs';

const RUNS = 10_000;
const PAGE = 1_000;
const SWEEPS = Number(process.env.BENCH_SWEEPS ?? 21);
const CHANGED = 100;
const HOUR_MS = 3_600_000;
const NAME = 'listing';
const LEASE = { owner: '00000000-0000-4000-8000-000000000001', ms: HOUR_MS };

const { row, write } = openRows();

/** The provider: all of its runs run, but those that are in `over`. */
const over = new Set();
const calls = { list: 0, get: 0 };
const provider = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://provider');
  const id = pathname.split('/')[2];
  const show = (n) => ({ id: `r${n}`, state: over.has(`r${n}`) ? 'succeeded' : 'running' });
  response.writeHead(200, { 'content-type': 'application/json' });
  if (id !== undefined) {
    calls.get += 1;
    response.end(JSON.stringify(show(Number(id.slice(1)))));
    return;
  }
  calls.list += 1;
  const from = Number(searchParams.get('from'));
  response.end(JSON.stringify(Array.from({ length: PAGE }, (_, n) => show(from + n))));
});
provider.listen(0, '127.0.0.1');
await once(provider, 'listening');
const pool = new Pool(`http://127.0.0.1:${provider.address().port}`, { connections: 16 });
const ask = async (path) => (await pool.request({ method: 'GET', path })).body.json();
const seenAs = ({ state }) => ({ state, word: state });
const none = () => Promise.reject(new Error('not asked for here'));

const adapter = {
  name: NAME,
  authSecret: undefined,
  capabilities: {
    cancel: true,
    logs: false,
    files: false,
    cancelAgainMs: 30_000,
    // Sweeps are made here, one after the other.
    poll: { baseMs: HOUR_MS, maxMs: HOUR_MS },
    logsEveryMs: 5_000,
    maxCalls: 16,
  },
  submit: none,
  find: none,
  cancel: none,
  logs: none,
  async get(ids) {
    return new Map(await Promise.all(ids.map(async (id) => [id, seenAs(await ask(`/runs/${id}`))])));
  },
  async list() {
    const listed = [];
    for (let from = 0; from < RUNS; from += PAGE)
      for (const run of await ask(`/runs?from=${from}`))
        listed.push({ externalId: run.id, seen: seenAs(run) });
    return listed;
  },
  close: () => pool.close(),
};

const dir = makeScratchFolder('bench-polling');
const servers = await Promise.all([
  startPostgres({ dir: join(dir, 'postgres') }),
  startNats({ dir: join(dir, 'nats') }),
  startRedis({ dir: join(dir, 'redis') }),
]);
let service;
try {
  const [postgres, nats, redis] = servers;
  service = await startService(
    define(
      {
        PORT: '0',
        DATABASE_URL: postgres.url,
        NATS_URL: nats.url,
        REDIS_URL: redis.url,
        LINECLEAR_HOME: dir,
        LINECLEAR_LOG_LEVEL: 'error',
        LINECLEAR_LOG_FORMAT: 'json',
      },
      { adapters: [adapter] },
    ),
  );
  const { database } = service;
  await database.query(
    `insert into runs (id, job_id, attempt, claim_id, user_id, provider, config, hardware, secrets, run_key, state, external_id, account,
                       remote_state, started_at, running_since, last_observed_at, looked_at, next_action_at)
     select gen_random_uuid(), 'job_' || lpad(n::text, 32, '0'), 1, gen_random_uuid(), 1, $1, '{}', 'gpu', '{}', 'lc-' || n, 'active', 'r' || n, $1,
            'running', now(), now(), now(), now(), now() + interval '1 hour' from generate_series(0, $2::int - 1) n`,
    [NAME, RUNS],
  );
  const sweeps = service.app.get(SweepsRepo, { strict: false });
  const account = service.app.get(SweepAccount, { strict: false });
  await sweeps.plan(database, [{ account: NAME, provider: NAME, inMs: HOUR_MS }]);
  /** Makes one sweep; gives how long it took, in ms. */
  const sweep = async () => {
    await database.query(
      `update sweeps set next_at = 'infinity', lease_owner = $1, lease_until = now() + interval '1 hour'`,
      [LEASE.owner],
    );
    const before = performance.now();
    await account.sweep({ account: NAME, provider: NAME, failures: 0 }, LEASE);
    return performance.now() - before;
  };
  for (let n = 0; n < 5; n += 1) await sweep();
  calls.list = 0;
  calls.get = 0;
  const times = [];
  for (let n = 0; n < SWEEPS; n += 1) times.push(await sweep());
  const lists = calls.list;
  const noting = [];
  for (let n = 0; n < SWEEPS; n += 4) {
    await database.query('update runs set listed_at = null');
    noting.push(await sweep());
  }
  const alone = [];
  for (let n = 0; n < SWEEPS; n += 1) {
    const before = performance.now();
    await adapter.list();
    alone.push(performance.now() - before);
  }
  row('polling.runs', RUNS, 'runs');
  row('polling.list_calls_per_sweep', lists / SWEEPS, 'calls', RUNS / PAGE, 'less');
  row('polling.gets_per_quiet_sweep', calls.get / SWEEPS, 'calls');
  row('polling.list_alone_p50_ms', quantile(alone, 0.5), 'ms');
  row('polling.sweep_p50_ms', quantile(times, 0.5), 'ms', 1_000, 'less');
  row('polling.sweep_p99_ms', quantile(times, 0.99), 'ms');
  row('polling.sweep_that_notes_all_p50_ms', quantile(noting, 0.5), 'ms');

  for (let n = 0; n < CHANGED; n += 1) over.add(`r${n * 97}`);
  const before = performance.now();
  await sweep();
  const ended = async () => (await database.query(`select from runs where state = 'ended'`)).length;
  while ((await ended()) < CHANGED && performance.now() < before + 60_000) await sleep(20);
  row('polling.gets_of_100_changes', calls.get, 'calls', CHANGED, 'less');
  row('polling.sweep_to_100_ends_ms', performance.now() - before, 'ms');
  write('bench-polling-results.json');
} finally {
  await service?.close();
  await Promise.all(servers.map((server) => server.stop()));
  provider.closeAllConnections();
  provider.close();
  rmSync(dir, { recursive: true, force: true });
}
