// What it costs to know who is calling, and how soon a change of that is known everywhere: over a house of auth and one small
// service, with many users. Prints a table, writes bench-access-results.json.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { introspect } from '@lineclear/contracts';
import { SERVICES, startHouse } from '@lineclear/launcher';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { Pool } from 'undici';
import { closedLoop, pacedLoop, quantile } from './measure.mjs';
import { keyOf, PEOPLE, populate } from './population.mjs';
import { processorTime } from './processor.mjs';
import { openRows } from './rows.mjs';
import { call, LIMITS } from './setup.mjs';

const CLIENTS = 32;
const ROUNDS = 20;
/** Cold questions a second that 32 askers share, where not all that can be asked is. */
const PACED_PER_S = 1_500;
const CHANGES = {
  key_revoked: (admin, { keyId }) => admin('DELETE', `/api/auth/api-keys/${keyId}`),
  permission_removed: (admin, { userId }) =>
    admin('POST', `/api/users/${userId}/permissions`, { permission_name: 'job.view.own', granted: false }),
  user_deactivated: (admin, { userId }) => admin('PATCH', `/api/users/${userId}`, { is_active: false }),
};

const { row, write } = openRows();

const specs = SERVICES.filter(({ name }) => name === 'auth' || name === 'secrets').map((spec) =>
  spec.name === 'auth' ? spec : { ...spec, script: fileURLToPath(new URL('door.mjs', import.meta.url)) },
);

/** GETs a route of the door; gives the status. */
async function get(door, path, key) {
  const { statusCode, body } = await door.request({
    method: 'GET',
    path: `/api/door/${path}`,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });
  await body.dump();
  return statusCode;
}

async function mustGet(door, path, key) {
  const status = await get(door, path, key);
  if (status !== 200) throw new Error(`${path} answered ${status}`);
}

/** The open and the closed route by turns, as what else runs on the machine changes from one moment to the next. */
async function authenticatedGets(door, pid) {
  const routes = {
    open: { rates: [], us: [], work: () => mustGet(door, 'open') },
    closed: { rates: [], us: [], work: () => mustGet(door, 'closed', keyOf(PEOPLE - 1)) },
  };
  for (const { work } of Object.values(routes)) await closedLoop(CLIENTS, 3, work);
  for (let n = 0; n < ROUNDS; n += 1) {
    for (const route of Object.values(routes)) {
      const before = processorTime({ pid }).pid;
      const { latencies, perSecond } = await closedLoop(CLIENTS, 1, route.work);
      route.rates.push(perSecond);
      route.us.push((processorTime({ pid }).pid - before) / latencies.length);
    }
  }
  const median = ({ rates, us }) => ({ perSecond: quantile(rates, 0.5), us: quantile(us, 0.5) });
  return { open: median(routes.open), closed: median(routes.closed) };
}

/** Asks auth for one key after the other, none twice. */
function askForKeys(nats) {
  let asked = 0;
  return async () => {
    if (asked === PEOPLE) throw new Error('every key has been asked for');
    // A step that shares no divisor with their number: all of them, and no two neighbours.
    const n = (asked * 7_919) % PEOPLE;
    asked += 1;
    const token_sha256 = createHash('sha256').update(keyOf(n)).digest('hex');
    const packet = { pattern: introspect.subject, data: { kind: 'api_key', token_sha256 }, id: '1' };
    const answer = await nats.request(introspect.subject, JSON.stringify(packet), { timeout: 5_000 });
    const { response } = answer.json();
    if (response?.principal?.username !== `bench${n}`) throw new Error(`${n}: ${answer.string()}`);
  };
}

/** How long after the answer to a change the door first refuses; 0 when it did so before. */
async function untilRefused(door, key, change) {
  await mustGet(door, 'closed', key);
  const refused = (async () => {
    while ((await get(door, 'closed', key)) === 200);
    return performance.now();
  })();
  await change();
  const answered = performance.now();
  return Math.max(0, (await refused) - answered);
}

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-'));
const config = join(home, 'bench.yaml');
writeFileSync(config, JSON.stringify({ limits: LIMITS }));
const print = (from, text) => process.env.BENCH_LOG && console.error(from, text);
const env = {
  ...process.env,
  LINECLEAR_CONFIG: config,
  LINECLEAR_LOG_LEVEL: 'warn',
  LINECLEAR_LOG_FORMAT: 'json',
};
let house;
let door;
let nats;
let pool;
try {
  house = await startHouse({ home, env, services: specs, print });
  const { auth, secrets } = house.services;
  door = new Pool(secrets.url, { connections: CLIENTS, pipelining: 1 });
  const { username: user, password: pass, host } = new URL(house.servers.nats.url);
  nats = await connect({ servers: host, user, pass, name: 'bench' });
  pool = new pg.Pool({ connectionString: auth.databaseUrl, max: CLIENTS });

  const changes = Object.entries(CHANGES);
  const people = await populate(auth.databaseUrl, ROUNDS * changes.length);

  const { open, closed } = await authenticatedGets(door, secrets.pid);
  row('floor.open_get_per_s', open.perSecond, '/s');
  row('access.authenticated_get_per_s', closed.perSecond, '/s', open.perSecond);
  row('access.authenticated_get_ratio', closed.perSecond / open.perSecond, 'of 1', 0.8);
  row('processor.open_get_us', open.us, 'us');
  row('processor.authenticated_get_us', closed.us, 'us', open.us, 'less');

  const nothing = { name: 'nothing', text: 'select 1' };
  const floor = await closedLoop(CLIENTS, 3, () => pool.query(nothing));
  row('floor.select_p50_ms_32', quantile(floor.latencies, 0.5), 'ms');
  row('floor.select_p99_ms_32', quantile(floor.latencies, 0.99), 'ms');
  const pacedFloor = await pacedLoop(CLIENTS, PACED_PER_S, 4, () => pool.query(nothing));
  row('floor.select_paced_p99_ms', quantile(pacedFloor, 0.99), 'ms');
  nats.subscribe('bench.echo', { callback: (_, message) => message.respond(message.data) });
  const echo = await closedLoop(CLIENTS, 3, () => nats.request('bench.echo', 'x'.repeat(200)));
  row('floor.request_p50_ms_32', quantile(echo.latencies, 0.5), 'ms');
  row('floor.request_p99_ms_32', quantile(echo.latencies, 0.99), 'ms');

  const askForNext = askForKeys(nats);
  // Until auth's code is compiled.
  await closedLoop(CLIENTS, 4, askForNext);
  const used = processorTime({ auth: auth.pid, postgres: house.servers.postgres.pid, self: process.pid });
  const cold = await closedLoop(CLIENTS, 8, askForNext);
  const usedAfter = processorTime({
    auth: auth.pid,
    postgres: house.servers.postgres.pid,
    self: process.pid,
  });
  row('auth.introspect_cold_per_s', cold.perSecond, '/s');
  row('auth.introspect_cold_p50_ms', quantile(cold.latencies, 0.5), 'ms');
  row('auth.introspect_cold_p99_ms', quantile(cold.latencies, 0.99), 'ms', 10, 'less');
  for (const name of Object.keys(used))
    row(`processor.introspect.${name}_us`, (usedAfter[name] - used[name]) / cold.latencies.length, 'us');
  // With processors to spare. The loop before takes all there are, and so measures how they are shared out too: as its floor does.
  const paced = await pacedLoop(CLIENTS, PACED_PER_S, 8, askForNext);
  row('auth.introspect_cold_paced_per_s', PACED_PER_S, '/s');
  row('auth.introspect_cold_paced_p50_ms', quantile(paced, 0.5), 'ms');
  row('auth.introspect_cold_paced_p99_ms', quantile(paced, 0.99), 'ms', 10, 'less');

  const admin = (method, path, body) => call(house, house.adminKey, method, path, body);
  const all = [];
  for (const [index, [name, change]] of changes.entries()) {
    const took = [];
    for (let n = index * ROUNDS; n < (index + 1) * ROUNDS; n += 1)
      took.push(await untilRefused(door, keyOf(n), () => change(admin, people[n])));
    row(`access.${name}_refused_p50_ms`, quantile(took, 0.5), 'ms', 250, 'less');
    row(`access.${name}_refused_worst_ms`, Math.max(...took), 'ms', 250, 'less');
    all.push(...took);
  }
  row('access.revoked_refused_ms', Math.max(...all), 'ms', 250, 'less');
} finally {
  write('bench-access-results.json');
  await door?.close();
  await nats?.close();
  await pool?.end();
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}
