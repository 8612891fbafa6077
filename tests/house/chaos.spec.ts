import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventsIn } from '@lineclear/contracts';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import {
  client,
  fakeProviderConfig,
  startFakeProvider,
  type Client,
  type FakeProvider,
} from '@lineclear/testkit';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newWebhookSecret, ok, person, receiveWebhooks } from './furnish.js';

const JOBS = 300;
const SERVICES = ['auth', 'secrets', 'approvals', 'queue-scheduler', 'notifier', 'job-poller', 'gateway'];
const FINAL = ['completed', 'failed', 'cancelled'];

let home: string;
let house: House;
let provider: FakeProvider;
let hooks: Awaited<ReturnType<typeof receiveWebhooks>>;
let admin: Client;
let users: Client[];

beforeAll(async () => {
  home = makeScratchFolder('chaos');
  provider = await startFakeProvider({ finish: { ms: 800 } });
  const secret = newWebhookSecret();
  hooks = await receiveWebhooks(secret);
  const config = join(home, 'lineclear.yaml');
  mkdirSync(home, { recursive: true });
  writeFileSync(config, JSON.stringify({ providers: { fake: fakeProviderConfig(provider.url) } }));
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_CONFIG: config,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'warn',
      WEBHOOK_RETRY_SECONDS: '0,1,2,2,2,5,5,5',
      LINECLEAR_EVALUATION_LEASE_SECONDS: '5',
      LINECLEAR_DISPATCH_LEASE_SECONDS: '5',
      LINECLEAR_RUN_LEASE_SECONDS: '10',
    },
    print: (from, line) => process.env['CHAOS_LOG'] && console.log(from, line),
  });
  admin = client(house.url, house.adminKey);
  users = await Promise.all(
    ['u1', 'u2', 'u3', 'u4'].map((name) => person(house.url, admin, name, 'researcher')),
  );
  ok(await admin.post('/api/queue/concurrency', { max_concurrent: 40, user_max_concurrent: 15 }));
  const channel = ok(
    await admin.post('/api/cloud/notifications/channels', {
      channel_type: 'webhook',
      name: 'ci',
      webhook_url: hooks.url,
      webhook_secret: secret,
    }),
    201,
  );
  ok(
    await admin.post('/api/cloud/notifications/preferences', { event_type: 'job.*', channel_id: channel.id }),
    201,
  );
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await provider?.close();
  await hooks?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** Submits as a careful client does: the same key again until there is an answer. */
async function submitUntilAccepted(user: Client, n: number): Promise<string> {
  for (;;) {
    try {
      const answer = await user.post(
        '/api/cloud/fake/submit',
        { config_name: `chaos-${n}`, config: { n }, hardware: 'gpu-a100', estimated_duration_seconds: 60 },
        { 'idempotency-key': `chaos-${n}` },
      );
      if (answer.status === 202 || answer.status === 200) return answer.body.job_id as string;
      expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(500);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await delay(300);
  }
}

async function wreck(): Promise<void> {
  const redis = new Redis(house.servers.redis.url);
  redis.on('error', () => undefined);
  for (const name of shuffled(SERVICES)) {
    house.services[name]!.kill('SIGKILL');
    provider.failNext('submit', 3, 'lose the answer');
    provider.failNext('status', 2, { status: 503, retryAfterSeconds: 1 });
    await delay(1_500 + Math.random() * 1_500);
    if (name === 'notifier') await redis.flushall();
    if (name === 'approvals') {
      await house.servers.nats.stop();
      await delay(10_000);
      await house.servers.nats.start();
    }
    if (name === 'secrets') {
      await house.servers.postgres.stop();
      await house.servers.postgres.start();
    }
  }
  redis.disconnect();
}

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

it('ends every job exactly once, whatever is killed, flushed, stopped or restarted', async () => {
  const ids: string[] = [];
  const stream = (async () => {
    const running: Promise<void>[] = [];
    for (let n = 0; n < JOBS; n += 1) {
      running.push(submitUntilAccepted(users[n % users.length]!, n).then((id) => void ids.push(id)));
      await delay(100);
    }
    await Promise.all(running);
  })();
  const pids = new Map(SERVICES.map((name) => [name, house.services[name]!.pid]));
  await Promise.all([stream, wreck()]);
  // The wreck was one: every service is another process now.
  await vi.waitFor(() => {
    for (const [name, pid] of pids) expect([0, pid], name).not.toContain(house.services[name]!.pid);
  }, 30_000);
  expect(new Set(ids).size).toBe(JOBS);

  // Every job ends, and as what the provider did with it.
  await vi.waitFor(
    async () => {
      const states = await statesOf(ids);
      expect(states.filter((state) => !FINAL.includes(state))).toHaveLength(0);
    },
    { timeout: 180_000, interval: 500 },
  );
  expect((await statesOf(ids)).filter((state) => state !== 'completed')).toHaveLength(0);

  // Every remote side saw one run per attempt, and there was one attempt per job.
  expect(provider.mostRunsOfOneKey).toBe(1);
  expect(provider.totalRuns).toBe(JOBS);

  // Exactly one end of each job is on the stream, and at least one webhook told of it.
  const ended = await completedOnStream();
  expect(ids.filter((id) => ended.get(id) !== 1)).toHaveLength(0);
  await vi.waitFor(
    () => {
      const told = new Set(
        hooks.received.filter(({ type }) => type === 'job.completed').map(({ data }) => data.job_id),
      );
      expect(ids.filter((id) => !told.has(id))).toHaveLength(0);
    },
    { timeout: 90_000, interval: 500 },
  );

  // Nothing waits anywhere, and no slot is taken.
  await vi.waitFor(
    async () => {
      for (const [name, { databaseUrl }] of Object.entries(house.services)) {
        if (databaseUrl) expect(await rowsIn(databaseUrl, 'outbox'), name).toBe(0);
      }
    },
    { timeout: 30_000, interval: 250 },
  );
  expect(ok(await admin.get('/api/queue'))).toMatchObject({ total_pending: 0, total_running: 0 });
}, 480_000);

async function statesOf(ids: readonly string[]): Promise<string[]> {
  const database = new pg.Client({ connectionString: house.services['queue-scheduler']!.databaseUrl });
  await database.connect();
  const { rows } = await database.query<{ state: string }>('select state from jobs where id = any($1)', [
    ids,
  ]);
  await database.end();
  expect(rows).toHaveLength(ids.length);
  return rows.map(({ state }) => state);
}

async function rowsIn(url: string, table: string): Promise<number> {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  await database.end();
  return rows[0]!.n;
}

async function completedOnStream(): Promise<Map<string, number>> {
  const { username, password, host } = new URL(house.servers.nats.url);
  const nats = await connect({ servers: host, user: username, pass: password });
  const consumer = await jetstream(nats).consumers.get('LINECLEAR', {
    filter_subjects: 'lineclear.job.completed',
  });
  const counts = new Map<string, number>();
  const { num_pending: total } = await consumer.info();
  const messages = total > 0 ? await consumer.fetch({ max_messages: total, expires: 5_000 }) : [];
  for await (const message of messages) {
    for (const { data } of eventsIn(message.string()) as { data: { job_id: string } }[])
      counts.set(data.job_id, (counts.get(data.job_id) ?? 0) + 1);
  }
  await nats.close();
  return counts;
}
