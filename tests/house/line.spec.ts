import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventsIn } from '@lineclear/contracts';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, expectProblem, type Client } from '@lineclear/testkit';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newWebhookSecret, ok, person, receiveWebhooks } from './furnish.js';
import { dumpOf, filesBelow, redisDump } from './kept.js';

const TRAIN = fileURLToPath(new URL('../../examples/digits/train.mjs', import.meta.url));
const CANARY = 'canary-7f3b9d2e51c84a60-do-not-print';
const FINAL = ['completed', 'failed', 'cancelled'];

let home: string;
let house: House;
let admin: Client;
let ada: Awaited<ReturnType<typeof person>>;
let bob: Awaited<ReturnType<typeof person>>;
let lea: Client;
let hooks: Awaited<ReturnType<typeof receiveWebhooks>>;
const printed: string[] = [];

beforeAll(async () => {
  home = makeScratchFolder('line');
  const secret = newWebhookSecret();
  hooks = await receiveWebhooks(secret);
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      LINECLEAR_LOG_LEVEL: 'debug',
      LINECLEAR_LOG_FORMAT: 'json',
    },
    print: (_, line) => printed.push(line),
  });
  admin = client(house.url, house.adminKey);
  [ada, bob, lea] = await Promise.all([
    person(house.url, admin, 'ada', 'researcher'),
    person(house.url, admin, 'bob', 'researcher'),
    person(house.url, admin, 'lea', 'lead'),
  ]);
  ok(
    await admin.put('/api/cloud/providers/local/config', { hardware: { local: { cost_per_hour_usd: 36 } } }),
  );
  ok(
    await admin.post('/api/approvals/rules', {
      name: 'high_cost',
      condition: 'cost_exceeds',
      threshold: '50',
      required_approver_level: 'lead',
      exempt_levels: ['admin'],
    }),
    201,
  );
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
    await admin.post('/api/cloud/notifications/preferences', { event_type: '*', channel_id: channel.id }),
    201,
  );
}, 180_000);

afterAll(async () => {
  await house?.stop();
  await hooks?.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const job = (more: object = {}) => ({
  config_name: 'sleepless',
  config: { command: [process.execPath, '-e', '0'] },
  hardware: 'local',
  estimated_duration_seconds: 10,
  ...more,
});
const statusOf = async (who: Client, id: string): Promise<string> =>
  ok(await who.get(`/api/cloud/jobs/${id}`)).status;
const ends = (who: Client, id: string, as: string): Promise<void> =>
  vi.waitFor(async () => expect(await statusOf(who, id)).toBe(as), { timeout: 60_000, interval: 100 });

it('carries a real training run from submit through a rule, a human, a process and a webhook', async () => {
  const submitted = ok(
    await ada.post(
      '/api/cloud/local/submit',
      job({
        config_name: 'digits',
        config: { command: [process.execPath, TRAIN, '--epochs', '3'] },
        estimated_duration_seconds: 7_200,
        max_runtime_seconds: 120,
      }),
    ),
    202,
  );
  expect(submitted).toMatchObject({
    status: 'pending_approval',
    estimated_cost_usd: 72,
    approval: { reason: expect.stringContaining('50') },
  });

  const pending = await vi.waitFor(async () => {
    const { requests } = ok(await lea.get('/api/approvals/requests?pending_only=true'));
    const [found] = requests.filter((request: { job_id: string }) => request.job_id === submitted.job_id);
    expect(found).toBeDefined();
    return found;
  });
  expect((await ada.post(`/api/approvals/requests/${pending.id}/approve`, {})).status).toBe(403);
  expect(await statusOf(ada, submitted.job_id)).toBe('pending_approval');
  ok(await lea.post(`/api/approvals/requests/${pending.id}/approve`, { notes: 'go' }));

  await ends(ada, submitted.job_id, 'completed');
  const { logs } = ok(await ada.get(`/api/cloud/jobs/${submitted.job_id}/logs`));
  expect(logs).toContain('test_accuracy=0.9');
  await vi.waitFor(
    () => {
      const types = hooks.received
        .filter(({ data }) => data.job_id === submitted.job_id)
        .map(({ type }) => type);
      expect(types).toEqual(
        expect.arrayContaining([
          'job.submitted',
          'approval.required',
          'approval.granted',
          'job.started',
          'job.completed',
        ]),
      );
    },
    { timeout: 20_000 },
  );
  expect(hooks.refused()).toBe(0);
}, 120_000);

it('shows what becomes of a job as it happens, to whom it may be shown', async () => {
  const [mine, theirs] = await Promise.all([follow(ada.key), follow(bob.key)]);
  const { job_id } = ok(await ada.post('/api/cloud/local/submit', job()), 202);
  await vi.waitFor(() => expect(mine.text()).toMatch(new RegExp(`event: job\\.completed\\n.*${job_id}`)), {
    timeout: 20_000,
  });
  expect(theirs.text()).not.toContain(job_id);
  mine.end();
  theirs.end();
}, 60_000);

/** Follows the events that the holder of this key may see. */
async function follow(key: string): Promise<{ text(): string; end(): void }> {
  const leaving = new AbortController();
  const answer = await fetch(new URL('/api/events', house.url), {
    headers: { authorization: `Bearer ${key}` },
    signal: leaving.signal,
  });
  expect(answer.status).toBe(200);
  let text = '';
  answer.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (part) => void (text += part) }))
    .catch(() => undefined);
  await vi.waitFor(() => expect(text).toContain('retry:'));
  return { text: () => text, end: () => leaving.abort() };
}

it('is one trace from submit to notification', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { username, password, host } = new URL(house.servers.nats.url);
  const nats = await connect({ servers: host, user: username, pass: password });
  const events: { type: string; traceparent?: string; data: { job_id?: string } }[] = [];
  nats.subscribe('lineclear.>', {
    callback: (_, msg) => void events.push(...(eventsIn(msg.string()) as typeof events)),
  });
  await nats.flush();
  const submitted = ok(
    await ada.post('/api/cloud/local/submit', job(), { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
    202,
  );
  await ends(ada, submitted.job_id, 'completed');
  await vi.waitFor(
    () =>
      expect(
        hooks.received.some(({ type, data }) => type === 'job.completed' && data.job_id === submitted.job_id),
      ).toBe(true),
    { timeout: 20_000 },
  );
  await nats.close();
  const mine = events.filter(({ data }) => data.job_id === submitted.job_id);
  const way = [
    'job.submitted',
    'job.queued',
    'job.claimed',
    'run.started',
    'job.started',
    'run.ended',
    'job.completed',
  ];
  expect(mine.map(({ type }) => type)).toEqual(expect.arrayContaining(way));
  expect(mine.filter(({ traceparent }) => !traceparent?.includes(traceId))).toEqual([]);
  const said = printed
    .filter((line) => line.includes(traceId))
    .map((line) => (JSON.parse(line) as { service: string }).service);
  expect(said).toEqual(expect.arrayContaining(['queue-scheduler', 'notifier']));
}, 60_000);

it('gives 8 parallel submits with one key one job, another body an error, and another caller a job of his own', async () => {
  const key = { 'idempotency-key': 'nightly-1' };
  const body = job({ config: { command: [process.execPath, '-e', '1'] } });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ada.post('/api/cloud/local/submit', body, key)),
  );
  const ids = new Set(answers.map((answer) => ok(answer, answer.status === 200 ? 200 : 202).job_id));
  expect(ids.size).toBe(1);
  expect([409, 422]).toContain(
    (await ada.post('/api/cloud/local/submit', { ...body, config_name: 'other' }, key)).status,
  );
  expect(ids.has(ok(await bob.post('/api/cloud/local/submit', body, key), 202).job_id)).toBe(false);
});

it('shows nobody the job of another, and lets nobody cancel it', async () => {
  const { job_id } = ok(
    await ada.post('/api/cloud/local/submit', job({ estimated_duration_seconds: 7_200 })),
    202,
  );
  for (const path of [`/api/cloud/jobs/${job_id}`, `/api/cloud/jobs/${job_id}/logs`])
    expect((await bob.get(path)).status, path).toBe(404);
  expect((await bob.post(`/api/cloud/jobs/${job_id}/cancel`)).status).toBe(404);
  expect((await client(house.url).get(`/api/cloud/jobs/${job_id}`)).status).toBe(401);
  expect((await lea.get(`/api/cloud/jobs/${job_id}`)).status).toBe(200);
  expect((await ada.post(`/api/cloud/jobs/${job_id}/cancel`)).status).toBeLessThan(300);
  await ends(ada, job_id, 'cancelled');
});

it('tries a job again that failed, from its checkpoints, and then the job that follows it', async () => {
  const submit = async (more: object): Promise<string> =>
    ok(await ada.post('/api/cloud/local/submit', job(more)), 202).job_id;
  const script =
    'if [ "$LINECLEAR_ATTEMPT" = 1 ]; then node "$0" --epochs 1; exit 1; fi; exec node "$0" --epochs 2';
  const first = await submit({
    config: { command: ['/bin/sh', '-c', script, TRAIN] },
    retry: { max_attempts: 2, on: ['failed'], backoff_seconds: 1 },
  });
  const second = await submit({ depends_on: [{ job_id: first }] });
  await vi.waitFor(async () => expect(await statusOf(ada, second)).toBe('completed'), { timeout: 60_000 });
  expect(ok(await ada.get(`/api/cloud/jobs/${first}`))).toMatchObject({
    status: 'completed',
    attempts: [{ outcome: 'failed' }, { outcome: 'succeeded' }],
  });
  const { logs } = ok(await ada.get(`/api/cloud/jobs/${first}/logs`));
  expect(logs).toContain('resumed after step 45 from ');
}, 90_000);

it('stops a running job when asked, and the process with it', async () => {
  const { job_id } = ok(
    await ada.post(
      '/api/cloud/local/submit',
      job({
        config: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000); console.log("up")'] },
      }),
    ),
    202,
  );
  await vi.waitFor(
    async () => expect(ok(await ada.get(`/api/cloud/jobs/${job_id}/logs`)).logs).toContain('up'),
    { timeout: 20_000 },
  );
  ok(await ada.post(`/api/cloud/jobs/${job_id}/cancel`), 202);
  await ends(ada, job_id, 'cancelled');
}, 60_000);

it('holds jobs while approvals is down and lets none through unseen', async () => {
  await house.services['approvals']!.stop();
  const held = ok(await ada.post('/api/cloud/local/submit', job()), 202);
  const dear = ok(await ada.post('/api/cloud/local/submit', job({ estimated_duration_seconds: 7_200 })), 202);
  expect([held.status, dear.status]).toEqual(['awaiting_evaluation', 'awaiting_evaluation']);
  expect(await statusOf(ada, held.job_id)).toBe('awaiting_evaluation');
  await house.services['approvals']!.start();
  await ends(ada, held.job_id, 'completed');
  await ends(ada, dear.job_id, 'pending_approval');
}, 120_000);

it('answers 503 to whom it does not know while auth is down, and lets nobody pass', async () => {
  const carl = await person(house.url, admin, 'carl', 'researcher');
  ok(await ada.get('/api/cloud/jobs'));
  await house.services['auth']!.stop();
  expect((await carl.post('/api/cloud/local/submit', job())).status).toBe(503);
  // Whoever was seen within the last minute is still known.
  expect((await ada.get('/api/cloud/jobs')).status).toBe(200);
  await house.services['auth']!.start();
  await vi.waitFor(async () => expect((await carl.post('/api/cloud/local/submit', job())).status).toBe(202));
}, 120_000);

it('keeps every ceiling while many submit at once', async () => {
  ok(await admin.post('/api/queue/concurrency', { max_concurrent: 4, user_max_concurrent: 3 }));
  const long = job({ config: { command: [process.execPath, '-e', 'setTimeout(() => {}, 600)'] } });
  const all = await Promise.all(
    [ada, bob, lea].flatMap((who) =>
      Array.from({ length: 8 }, async () => ({
        who,
        id: ok(await who.post('/api/cloud/local/submit', long), 202).job_id,
      })),
    ),
  );
  const peaks: number[] = [];
  await vi.waitFor(
    async () => {
      const { jobs } = ok(await admin.get('/api/cloud/jobs?limit=100'));
      const mine = jobs.filter((one: { job_id: string }) => all.some(({ id }) => id === one.job_id));
      peaks.push(
        mine.filter((one: { status: string }) => ['dispatching', 'running'].includes(one.status)).length,
      );
      expect(mine.filter((one: { status: string }) => !FINAL.includes(one.status))).toHaveLength(0);
    },
    { timeout: 90_000, interval: 50 },
  );
  expect(Math.max(...peaks)).toBeLessThanOrEqual(4);
  expect(Math.max(...peaks)).toBeGreaterThan(1);
  ok(await admin.post('/api/queue/concurrency', { max_concurrent: 10, user_max_concurrent: 5 }));
}, 150_000);

it('gives a job its secret and shows it nowhere else', async () => {
  ok(await admin.post('/api/secrets', { name: 'WANDB_API_KEY', value: CANARY }), 201);
  const script =
    'console.log("length", process.env.WANDB_API_KEY.length, process.env.WANDB_API_KEY, Object.keys(process.env).filter(k => /DATABASE|NATS|REDIS/.test(k)).length)';
  const { job_id } = ok(
    await ada.post(
      '/api/cloud/local/submit',
      job({ config: { command: [process.execPath, '-e', script] }, secrets: ['WANDB_API_KEY'] }),
    ),
    202,
  );
  await ends(ada, job_id, 'completed');
  const { logs } = await vi.waitFor(async () => {
    const body = ok(await ada.get(`/api/cloud/jobs/${job_id}/logs`));
    expect(body.logs).toContain('length');
    return body;
  });
  expect(logs).toContain(`length ${CANARY.length}`);
  expect(logs).toMatch(/ 0\s*$/);
  expect(logs).not.toContain(CANARY);

  for (const service of Object.values(house.services))
    if (service.databaseUrl)
      expect(await dumpOf(service.databaseUrl), service.databaseUrl).not.toContain(CANARY);
  expect(await redisDump(house)).not.toContain(CANARY);
  expect(printed.join('\n')).not.toContain(CANARY);
  // JetStream's files, Postgres' files, logs: everything the house keeps, but the run's own folder, which is the job's.
  for (const { path, bytes } of filesBelow(join(home, 'house')))
    if (!path.includes('/runs/')) expect(bytes.includes(CANARY), path).toBe(false);
}, 90_000);

it('opens to each service its own database only', async () => {
  const databases = Object.values(house.services).flatMap(({ databaseUrl }) =>
    databaseUrl ? [new URL(databaseUrl)] : [],
  );
  expect(databases).toHaveLength(6);
  for (const own of databases) {
    for (const other of databases.filter(({ pathname }) => pathname !== own.pathname)) {
      const url = new URL(own);
      url.pathname = other.pathname;
      const intruder = new pg.Client({ connectionString: url.href });
      await expect(intruder.connect(), `${own.username} into ${other.pathname}`).rejects.toThrow(
        /permission denied/,
      );
    }
  }
});

it('documents every service at one address', async () => {
  const document = ok(await client(house.url).get('/api/docs/openapi.json'));
  for (const path of [
    '/api/auth/login',
    '/api/users',
    '/api/secrets',
    '/api/approvals/rules',
    '/api/cloud/{provider}/submit',
    '/api/cloud/notifications/channels',
    '/api/cloud/jobs/{id}/logs',
    '/api/system/dead-letters/approvals',
  ]) {
    expect(
      Object.keys(document.paths).map((known) => known.replace(/\{[^}]+\}/g, '{}')),
      path,
    ).toContain(path.replace(/\{[^}]+\}/g, '{}'));
  }
  expectProblem(await client(house.url).get('/api/no-such-thing'), 'unknown path');
});

it('is healthy, deep down', async () => {
  const report = ok(await client(house.url).get('/api/cloud/health'));
  expect(report.status).toBe('healthy');
  ok(await client(house.url).get('/api/cloud/health/live'));
  ok(await client(house.url).get('/api/cloud/health/ready'));
});
