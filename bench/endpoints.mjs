// How long a webhook takes from the event to its receiver where ten are well, one is dead, one is slow and one is up and
// down, while events come at a pace. Prints a table, writes bench-endpoints-results.json.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { jobCompleted } from '@lineclear/contracts';
import { SERVICES, startHouse } from '@lineclear/launcher';
import { connect, headers } from '@nats-io/transport-node';
import { Pool } from 'undici';
import { openLoop, quantile, sleep } from './measure.mjs';
import { processorTime } from './processor.mjs';
import { openRows } from './rows.mjs';
import { call, LIMITS } from './setup.mjs';

const RATE = Number(process.env.BENCH_EVENTS_PER_SECOND ?? 200);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const WARM_SECONDS = 10;
const HEALTHY = Array.from({ length: 10 }, (_, n) => `/well-${n}`);
const SLOW_MS = 5_000;
// How long whoever is slow or was down is waited for, and whoever is dead for being switched off.
const PATIENCE_MS = Number(process.env.BENCH_PATIENCE_SECONDS ?? 180) * 1_000;

const { row, write } = openRows();

/** When each job was told of, in ms, by its id; and when each endpoint heard of it first. */
const told = new Map();
const heard = new Map();
let copies = 0;

function hear(path, jobId) {
  const at = heard.get(path) ?? heard.set(path, new Map()).get(path);
  if (at.has(jobId)) copies += 1;
  else at.set(jobId, performance.now());
}

let flaps = 0;
const receiver = createServer((request, response) => {
  const path = request.url;
  if (path === '/dead') return void request.socket.destroy();
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    if (path === '/floor') return void response.writeHead(204).end();
    const isDown = path === '/flapping' && Math.floor((flaps += 1) / 50) % 2 === 1;
    if (isDown) return void response.writeHead(500).end();
    hear(path, JSON.parse(Buffer.concat(parts).toString()).data.job_id);
    if (path === '/slow') setTimeout(() => response.writeHead(204).end(), SLOW_MS);
    else response.writeHead(204).end();
  });
});
receiver.keepAliveTimeout = 60_000;
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
const base = `http://127.0.0.1:${receiver.address().port}`;

/** Posts of the same size as fast as one process sends them, by nothing but a pool of connections. */
async function floor() {
  const pool = new Pool(base, { connections: 50 });
  const body = 'x'.repeat(400);
  let count = 0;
  const until = performance.now() + 3_000;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (performance.now() < until) {
        const { body: answer } = await pool.request({ method: 'POST', path: '/floor', body });
        await answer.dump();
        count += 1;
      }
    }),
  );
  await pool.close();
  return count / 3;
}

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-'));
const config = join(home, 'bench.yaml');
writeFileSync(config, JSON.stringify({ limits: LIMITS }));
let house;
let nats;
try {
  house = await startHouse({
    home,
    services: SERVICES.filter(({ name }) => ['auth', 'secrets', 'notifier'].includes(name)),
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'error',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (from, text) => process.env.BENCH_LOG && console.error(from, text),
  });
  const { username: user, password: pass, host } = new URL(house.servers.nats.url);
  nats = await connect({ servers: host, user, pass, name: 'bench' });
  const admin = (method, path, body) => call(house.services.notifier, house.adminKey, method, path, body);
  for (const path of [...HEALTHY, '/dead', '/slow', '/flapping']) {
    const channel = await admin('POST', '/api/cloud/notifications/channels', {
      channel_type: 'webhook',
      name: path.slice(1),
      webhook_url: base + path,
      max_concurrent: 32,
      max_per_second: 1_000,
    });
    const wish = { event_type: jobCompleted.name, channel_id: channel.id };
    await admin('POST', '/api/cloud/notifications/preferences', wish);
  }
  row('posts a second, one process, nothing else', await floor(), '/s');

  const publish = async (n) => {
    const jobId = `job_${n.toString(16).padStart(32, '0')}`;
    const id = randomUUID();
    const at = new Date().toISOString();
    const event = {
      specversion: '1.0',
      id,
      source: 'lineclear/queue-scheduler',
      type: jobCompleted.name,
      time: at,
      subject: `job/${jobId}`,
      data: {
        job_id: jobId,
        user_id: 7,
        username: 'ada',
        provider: 'replicate',
        config_name: 'digits',
        attempt: 1,
        cost_usd: 71.5,
        started_at: at,
        ended_at: at,
      },
    };
    jobCompleted.schema.parse(event);
    const head = headers();
    head.set('Nats-Msg-Id', id);
    told.set(jobId, performance.now());
    await nats.request(jobCompleted.subject, JSON.stringify(event), { headers: head, timeout: 10_000 });
  };
  const arrived = (path) => heard.get(path)?.size ?? 0;
  const untilHealthy = async (ms) => {
    const until = performance.now() + ms;
    while (HEALTHY.some((path) => arrived(path) < told.size) && performance.now() < until) await sleep(50);
  };
  // Node compiles what runs often: what it does before that says nothing of a service that is up for days.
  await openLoop(RATE / 2, WARM_SECONDS, publish);
  await untilHealthy(PATIENCE_MS);
  const early = new Set(told.keys());
  const pids = { notifier: house.services.notifier.pid };
  const usedBefore = processorTime(pids);
  await openLoop(RATE, SECONDS, (n) => publish(early.size + n));
  const total = told.size;
  await untilHealthy(PATIENCE_MS);
  const used = processorTime(pids).notifier - usedBefore.notifier;
  const latencies = HEALTHY.flatMap((path) =>
    [...(heard.get(path) ?? [])]
      .filter(([jobId]) => !early.has(jobId))
      .map(([jobId, at]) => at - told.get(jobId)),
  );
  row('events a second', RATE, '/s');
  row(
    'to the healthy, of what was told',
    latencies.length / ((total - early.size) * HEALTHY.length),
    'of 1',
    1,
  );
  row('event to healthy receiver, p50', quantile(latencies, 0.5), 'ms');
  row('event to healthy receiver, p99', quantile(latencies, 0.99), 'ms', 1_000, 'less');
  row('processor time of a delivery', used / ((total - early.size) * (HEALTHY.length + 1)), 'us');
  const until = performance.now() + PATIENCE_MS;
  while (arrived('/flapping') < total && performance.now() < until) await sleep(200);
  row('to the flapping one, of what was told', arrived('/flapping') / total, 'of 1');
  row('to the slow one, of what was told', arrived('/slow') / total, 'of 1');
  row('copies that were sent beside', copies, '');
  write('bench-endpoints-results.json');
} finally {
  await nats?.close();
  await house?.stop();
  receiver.closeAllConnections();
  receiver.close();
  rmSync(home, { recursive: true, force: true });
}
