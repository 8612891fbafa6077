// The speed of the line and the floors of the machine, side by side in one run. Prints a table, writes bench-results.json.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { SERVICES as SPECS, startHouse } from '@lineclear/launcher';
import { startFakeProvider } from '@lineclear/testkit/fake-provider';
import { measureFloors } from './floors.mjs';
import { openLine } from './line.mjs';
import { closedLoop, openLoop, quantile, sleep } from './measure.mjs';
import { measurePicks } from './picks.mjs';
import { processorTime } from './processor.mjs';
import { openRows } from './rows.mjs';
import { furnish, writeConfig } from './setup.mjs';

const USERS = 16;
// The same figures on the machine on which the wanted ones were set: durable commits a second at 1 and at 32 clients.
const REFERENCE = { commits1: 20_000, commits32: 33_100 };
const SUSTAINED_SECONDS = Number(process.env.BENCH_SECONDS ?? 30);
const SERVICES = ['auth', 'secrets', 'approvals', 'queue-scheduler', 'notifier', 'job-poller', 'gateway'];

const { row, write } = openRows();

/** The services as they are, but the one that BENCH_PROFILE names under the profiler. */
const specs = SPECS.map((spec) =>
  spec.name === process.env.BENCH_PROFILE
    ? {
        ...spec,
        script: fileURLToPath(new URL('profiled.mjs', import.meta.url)),
        env: (plan) => ({
          ...spec.env?.(plan),
          PROFILED_MAIN: spec.script,
          PROFILED_OUT: join(process.cwd(), `${spec.name}.cpuprofile`),
        }),
      }
    : spec,
);

const print = (from, text) => process.env.BENCH_LOG && console.error(from, text);

const residentMb = (pid) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024;

/** How long after its submit each of these jobs was claimed, in ms; waits until all are, at most 30 s. */
async function claimLatencies(line, starts) {
  const deadline = performance.now() + 30_000;
  while ([...starts.keys()].some((id) => !line.claimed.has(id)) && performance.now() < deadline)
    await sleep(50);
  return [...starts].filter(([id]) => line.claimed.has(id)).map(([id, at]) => line.claimed.get(id) - at);
}

async function timed(line, starts) {
  const before = performance.now();
  starts.set(await line.submit('short'), before);
}

/** Submits from 64 clients for a while; tells the rates and, per job, the processor time of each process. */
async function fullLoad(line, provider, pids) {
  const lagBefore = await line.lag();
  const usedBefore = processorTime(pids);
  const before = { claimed: line.claimed.size, completed: line.completedCount(), at: performance.now() };
  const lags = [];
  const sampling = setInterval(() => void line.lag().then((lag) => lags.push(lag)), 3_000);
  const { latencies } = await closedLoop(64, SUSTAINED_SECONDS, () => line.submit(provider));
  clearInterval(sampling);
  const seconds = (performance.now() - before.at) / 1_000;
  const claimed = line.claimed.size - before.claimed;
  const usedAfter = processorTime(pids);
  const lagAfter = await line.lag();
  console.log('lag before', lagBefore, '\nlag during', lags, '\nlag after', lagAfter);
  return {
    latencies,
    lagAfter,
    claimedPerSecond: claimed / seconds,
    completedPerSecond: (line.completedCount() - before.completed) / seconds,
    usPerJob: Object.fromEntries(
      Object.keys(pids).map((name) => [name, (usedAfter[name] - usedBefore[name]) / claimed]),
    ),
  };
}

async function settled(line) {
  while (Object.values(await line.lag()).some((value) => value > 20)) await sleep(500);
}

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-'));
const short = await startFakeProvider({ finish: 'at once' });
const training = await startFakeProvider({ finish: 'never' });
const env = {
  ...process.env,
  LINECLEAR_CONFIG: writeConfig(home, { short: short.url, training: training.url }),
  LINECLEAR_LOG_LEVEL: 'warn',
  LINECLEAR_LOG_FORMAT: 'json',
};
let house;
let line;
try {
  let before = performance.now();
  house = await startHouse({ home, env, services: specs, print });
  row('start.first_s', (performance.now() - before) / 1_000, 's');
  await house.stop();
  before = performance.now();
  house = await startHouse({ home, env, services: specs, print });
  row('start.second_s', (performance.now() - before) / 1_000, 's', 10, 'less');
  // One at a time: how long a service takes by itself, with the others at rest.
  for (const name of SERVICES) {
    await house.services[name].stop();
    await house.services[name].start();
    row(`service.${name}.cold_start_ms`, house.services[name].readyAfterMs, 'ms', 1_500, 'less');
  }

  const keys = await furnish(house, { users: USERS });
  line = await openLine(house, keys);
  await sleep(5_000);
  for (const name of SERVICES)
    row(`service.${name}.rest_mb`, residentMb(house.services[name].pid), 'MB', 160, 'less');

  const floors = await measureFloors(house.servers.postgres.url);
  row('floor.commits_per_s_1', floors[1].perSecond, '/s');
  row('floor.commits_per_s_32', floors[32].perSecond, '/s');
  row('floor.round_trip_us', floors.roundTripUs, 'us');
  await measurePicks(house.servers, row);

  // Until the services' code is compiled.
  await closedLoop(16, 15, () => line.submit('short'));
  await settled(line);

  const one = await closedLoop(1, 5, () => line.submit('short'));
  const oneMs = quantile(one.latencies, 0.5);
  row('submit.p50_ms', oneMs, 'ms', 5, 'less');
  // How many durable commits this machine makes one after the other while one submit is answered.
  row(
    'submit.p50_in_floor_commits',
    (oneMs / 1_000) * floors[1].perSecond,
    'commits',
    (5 / 1_000) * REFERENCE.commits1,
    'less',
  );
  row('submit.p99_ms', quantile(one.latencies, 0.99), 'ms');
  row('submit.per_s_1', one.perSecond, '/s', floors[1].perSecond);
  await sleep(2_000);

  const slow = new Map();
  await openLoop(20, 15, () => timed(line, slow));
  const slowMs = await claimLatencies(line, slow);
  row('line.submit_to_claimed_p50_ms', quantile(slowMs, 0.5), 'ms', 15, 'less');
  row('line.submit_to_claimed_p99_ms', quantile(slowMs, 0.99), 'ms', 50, 'less');

  const pids = {
    ...Object.fromEntries(SERVICES.map((name) => [name, house.services[name].pid])),
    ...Object.fromEntries(Object.entries(house.servers).map(([name, { pid }]) => [name, pid])),
    'load-generator': process.pid,
  };
  const whole = await fullLoad(line, 'short', pids);
  row('line.completed_jobs_per_s', whole.completedPerSecond, '/s');
  row('submit.per_s_64', whole.latencies.length / SUSTAINED_SECONDS, '/s', floors[32].perSecond);
  row('submit.p50_ms_64', quantile(whole.latencies, 0.5), 'ms');
  row('submit.p99_ms_64', quantile(whole.latencies, 0.99), 'ms');
  for (const [name, us] of Object.entries(whole.usPerJob))
    row(`processor.completed.${name}_us_per_job`, us, 'us');
  for (const name of SERVICES) row(`service.${name}.busy_mb`, residentMb(house.services[name].pid), 'MB');
  await settled(line);

  const half = new Map();
  await openLoop(whole.completedPerSecond / 2, 10, () => timed(line, half));
  const halfMs = await claimLatencies(line, half);
  row('line.half_load_submit_to_claimed_p50_ms', quantile(halfMs, 0.5), 'ms');
  row('line.half_load_submit_to_claimed_p99_ms', quantile(halfMs, 0.99), 'ms');

  await closedLoop(32, 5, () => line.submit('short')).then(({ latencies, perSecond }) => {
    row('submit.per_s_32', perSecond, '/s', floors[32].perSecond);
    row('submit.p50_ms_32', quantile(latencies, 0.5), 'ms');
    row('submit.p99_ms_32', quantile(latencies, 0.99), 'ms');
  });
  await settled(line);

  // Last, for its runs stay.
  const sustained = await fullLoad(line, 'training', pids);
  row('line.sustained_jobs_per_s', sustained.claimedPerSecond, '/s', 1_500);
  row(
    'line.sustained_per_1000_floor_commits',
    (sustained.claimedPerSecond * 1_000) / floors[32].perSecond,
    'jobs',
    1_500_000 / REFERENCE.commits32,
  );
  for (const [name, us] of Object.entries(sustained.usPerJob)) row(`processor.${name}_us_per_job`, us, 'us');
  for (const [what, value] of Object.entries(sustained.lagAfter)) row(`lag.${what}_after`, value, 'messages');
} finally {
  write('bench-results.json');
  await line?.close();
  await house?.stop();
  await short.close();
  await training.close();
  rmSync(home, { recursive: true, force: true });
}
