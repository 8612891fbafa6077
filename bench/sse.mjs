// How long an event takes from the stream to everyone who follows, beside the floor: the same number of connections to a bare
// HTTP server. Prints a table, writes bench-sse-results.json.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { jobQueued } from '@lineclear/contracts';
import { SERVICES, startHouse } from '@lineclear/launcher';
import { connect, headers } from '@nats-io/transport-node';
import { openLoop, quantile, sleep } from './measure.mjs';
import { processorTime } from './processor.mjs';
import { openRows } from './rows.mjs';
import { LIMITS } from './setup.mjs';

const CONNECTIONS = Number(process.env.BENCH_CONNECTIONS ?? 2_000);
const RATES = [1, 5];
const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const WARM_SECONDS = 5;
const PATIENCE_MS = 30_000;

const { row, write } = openRows();

const residentKb = (pid) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);

/** As many connections as are measured, that note how long each event took to come. */
async function followers(url, authorization) {
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  const requests = [];
  const counts = { events: 0, ended: 0 };
  const sent = new Map();
  let latencies = [];
  const follow = () =>
    new Promise((resolve, reject) => {
      const asked = request(url, { agent, headers: authorization ? { authorization } : {} }, (response) => {
        if (response.statusCode !== 200)
          return reject(new Error(`followers are answered ${response.statusCode}`));
        response.setEncoding('latin1');
        response.once('data', resolve);
        response.on('data', (text) => {
          // The id of the event, as it was sent.
          for (const [, id] of text.matchAll(/"id":"([0-9a-f-]{36})"/g)) {
            counts.events += 1;
            const at = sent.get(id);
            if (at !== undefined) latencies.push(performance.now() - at);
          }
        });
        response.on('close', () => (counts.ended += 1));
        response.on('error', () => undefined);
      });
      asked.on('error', reject);
      asked.end();
      requests.push(asked);
    });
  for (let n = 0; n < CONNECTIONS; n += 50)
    await Promise.all(Array.from({ length: Math.min(50, CONNECTIONS - n) }, follow));
  return {
    counts,
    sent,
    take: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    close: () => requests.forEach((one) => one.destroy()),
  };
}

/** The memory and the speed of whatever serves followers: `publish` has one event go to all of them. */
async function measure(name, pid, url, authorization, publish) {
  const before = residentKb(pid);
  const all = await followers(url, authorization);
  await sleep(2_000);
  row(`${name}.kb_per_connection`, (residentKb(pid) - before) / CONNECTIONS, 'KB');
  const told = async () => {
    const { id, text } = newEvent();
    all.sent.set(id, performance.now());
    await publish(id, text);
  };
  const run = async (rate, seconds) => {
    const wanted = all.counts.events + rate * seconds * CONNECTIONS;
    await openLoop(rate, seconds, told);
    const until = performance.now() + PATIENCE_MS;
    while (all.counts.events < wanted && performance.now() < until) await sleep(20);
    if (all.counts.events < wanted)
      throw new Error(`${name}: ${wanted - all.counts.events} events never came`);
  };
  await run(RATES.at(-1), WARM_SECONDS);
  all.take();
  const figures = {};
  for (const rate of RATES) {
    const used = processorTime({ it: pid }).it;
    await run(rate, SECONDS);
    const latencies = all.take();
    figures[rate] = {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      us: (processorTime({ it: pid }).it - used) / latencies.length,
    };
  }
  if (all.counts.ended > 0) throw new Error(`${name}: ${all.counts.ended} connections ended`);
  all.close();
  return figures;
}

function newEvent() {
  const id = randomUUID();
  const text = JSON.stringify({
    specversion: '1.0',
    id,
    source: 'lineclear/queue-scheduler',
    type: jobQueued.name,
    time: new Date().toISOString(),
    subject: 'job/1',
    data: {
      job_id: `job_${id.replaceAll('-', '')}`,
      user_id: 7,
      username: 'ada',
      provider: 'replicate',
      config_name: 'digits',
    },
  });
  return { id, text };
}

const home = mkdtempSync(join(tmpdir(), 'lineclear-bench-'));
const config = join(home, 'bench.yaml');
writeFileSync(config, JSON.stringify({ limits: LIMITS }));
const bare = fork(fileURLToPath(new URL('sse-floor.mjs', import.meta.url)));
let house;
let nats;
try {
  const [{ port }] = await once(bare, 'message');
  const base = `http://127.0.0.1:${port}`;
  const floor = await measure('floor.sse', bare.pid, base, undefined, (id, text) =>
    fetch(base, { method: 'POST', body: `id: ${id}\nevent: job.queued\ndata: ${text}\n\n` }),
  );

  house = await startHouse({
    home,
    services: SERVICES.filter(({ name }) => ['auth', 'queue-scheduler'].includes(name)),
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_EVENTS_CONNECTIONS: String(CONNECTIONS),
      LINECLEAR_EVENTS_CONNECTIONS_PER_USER: String(CONNECTIONS),
      LINECLEAR_LOG_LEVEL: 'error',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (from, text) => process.env.BENCH_LOG && console.error(from, text),
  });
  const { username: user, password: pass, host } = new URL(house.servers.nats.url);
  nats = await connect({ servers: host, user, pass, name: 'bench' });
  const { pid, url } = house.services['queue-scheduler'];
  const live = await measure('sse', pid, `${url}/api/events`, `Bearer ${house.adminKey}`, (id, text) => {
    const head = headers();
    head.set('Nats-Msg-Id', id);
    return nats.request(jobQueued.subject, text, { headers: head, timeout: 10_000 });
  });

  row('sse.connections', CONNECTIONS, '');
  for (const rate of RATES) {
    for (const [name, unit] of [
      ['p50', 'ms'],
      ['p99', 'ms'],
      ['us', 'us'],
    ]) {
      const figure = name === 'us' ? 'processor_us_per_event' : `fan_out_${name}_ms`;
      row(`floor.sse.${rate}_per_s.${figure}`, floor[rate][name], unit);
      row(`sse.${rate}_per_s.${figure}`, live[rate][name], unit, floor[rate][name], 'less');
    }
  }
} finally {
  write('bench-sse-results.json');
  bare.kill();
  await nats?.close();
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}
