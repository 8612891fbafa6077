import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Clock, openRedis, sealTo, startService } from '@lineclear/kit';
import { resolveSecrets, runEnded, runStarted } from '@lineclear/contracts';
import { pendingEvents } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { type Bench, type Claim, keyOf, LEASE_SECONDS, openBench, PATIENCE } from './bench.js';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

let bench: Bench;
beforeAll(async () => {
  // The real process, from its compiled files, is what gets killed.
  await run(process.execPath, [`${PROJECT}/node_modules/typescript/bin/tsc`, '-b', 'apps/job-poller'], {
    cwd: PROJECT,
  });
  // Generous, as in real life: two replicas and the provider share this machine with whatever else runs on it.
  bench = await openBench({ LINECLEAR_PROVIDER_TIMEOUT_SECONDS: '6', LINECLEAR_SUBMIT_SETTLE_SECONDS: '8' });
}, 120_000);
afterAll(async () => bench?.stop());

const LONG = { timeout: 40_000, interval: 50 };
const allEnded = (claims: readonly Claim[]): Promise<void> =>
  vi.waitFor(() => {
    const ended = new Set(bench.peer.events(runEnded).map(({ data }) => data.job_id));
    expect(claims.filter(({ job_id }) => !ended.has(job_id))).toEqual([]);
  }, LONG);

/** Each ended once, and no provider saw two runs of one key. */
function expectOnce(claims: readonly Claim[]): void {
  const ids = claims.map(({ job_id }) => job_id).sort();
  const about = <T extends { job_id: string }>(events: readonly { data: T }[]): T[] =>
    events.map(({ data }) => data).filter(({ job_id }) => ids.includes(job_id));
  const ended = about(bench.peer.events(runEnded));
  expect(ended.map(({ job_id }) => job_id).sort()).toEqual(ids);
  expect(ended.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);
  expect(
    about(bench.peer.events(runStarted))
      .map(({ job_id }) => job_id)
      .sort(),
  ).toEqual(ids);
  expect(claims.filter((claim) => bench.provider.runsOf(keyOf(claim)) !== 1)).toEqual([]);
}

async function startProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [`${PROJECT}/apps/job-poller/dist/main.js`], {
    env: { ...bench.env, LINECLEAR_LOG_FORMAT: 'json', LINECLEAR_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await vi.waitFor(() => expect(out).toContain('"ready"'), LONG);
  return child;
}

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once('exit', () => resolve()));

it('makes one run when it is killed between the intent and the answer', async () => {
  await bench.service.close();
  bench.provider.set({ finish: { polls: 2 } });
  const child = await startProcess();
  bench.provider.failNext('submit', 5, 'hang');
  const claims = await Promise.all(Array.from({ length: 5 }, () => bench.claim()));
  await vi.waitFor(
    () => expect(claims.map((claim) => bench.provider.runsOf(keyOf(claim)))).toEqual([1, 1, 1, 1, 1]),
    PATIENCE,
  );
  child.kill('SIGKILL');
  await gone(child);
  bench.service = await startService(define(bench.env));
  await allEnded(claims);
  expectOnce(claims);
});

it('brings every run to its end once, with processes killed and Redis flushed again and again', async () => {
  bench.provider.set({ finish: { polls: 3 }, delayMs: 150 });
  const claims: Claim[] = [];
  for (let round = 0; round < 4; round += 1) {
    const child = await startProcess();
    claims.push(...(await Promise.all(Array.from({ length: 40 }, () => bench.claim()))));
    // What a killed process has not acknowledged comes again only after a minute: here it is the provider's answers that are lost.
    await vi.waitFor(
      async () => expect(await pendingEvents(bench.backends.nats.url, 'job-poller')).toBe(0),
      PATIENCE,
    );
    await flush();
    child.kill('SIGKILL');
    await gone(child);
  }
  await allEnded(claims);
  expectOnce(claims);
  expect(bench.provider.mostRunsOfOneKey).toBe(1);
  expect(await bench.service.database.query('select 1 from runs where next_action_at is not null')).toEqual(
    [],
  );
}, 120_000);

it('takes what is due without Redis, and has its tick back after a flush', async () => {
  bench.provider.set({ finish: { polls: 3 }, delayMs: 0 });
  await flush();
  const before = await bench.claim();
  await bench.end(before);
  await vi.waitFor(
    async () => expect((await keys()).filter((key) => key.includes(':repeat:steps'))).not.toEqual([]),
    LONG,
  );
  await bench.backends.redis.stop();
  const without = await bench.claim();
  await bench.end(without);
  await bench.restart();
  const after = await bench.claim();
  await bench.end(after);
  expectOnce([before, without, after]);
  await bench.backends.redis.start();
});

it('makes one run of each claim with two replicas', async () => {
  bench.provider.set({ finish: { polls: 2 }, delayMs: 5 });
  const second = await startService(define(bench.env));
  try {
    const claims = await Promise.all(Array.from({ length: 150 }, () => bench.claim()));
    await allEnded(claims);
    expectOnce(claims);
  } finally {
    await second.close();
  }
}, 90_000);

it('calls nobody on an intent that has grown old, however often its lease was renewed', async () => {
  bench.provider.set({ finish: { polls: 2 }, delayMs: 0 });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  bench.peer.answer(resolveSecrets, async ({ public_key }) => {
    await held;
    return { missing: [], box: await sealTo(public_key, '{"HF_TOKEN":"a token of the hub"}') };
  });
  const claim = await bench.claim({ secrets: ['HF_TOKEN'] });
  const first = await vi.waitFor(async () => {
    const row = await bench.row(claim);
    // It is renewed so late that what is left of the time to call in is over.
    expect(Number(row['lease_until']) - Number(row['submit_started_at'])).toBeGreaterThan(
      LEASE_SECONDS * 1_600,
    );
    return row;
  }, PATIENCE);
  release();
  expect(await bench.end(claim)).toMatchObject({ outcome: 'succeeded' });
  expect(Number((await bench.row(claim))['submit_started_at'])).toBeGreaterThan(
    Number(first['submit_started_at']),
  );
});

it('believes "no such run" by the clock of the intent, not by one that is ahead of it', async () => {
  class Ahead extends Clock {
    override now(): Date {
      return new Date(Date.now() + 2 * 3_600_000);
    }
  }
  await bench.service.close();
  bench.service = await startService(
    define({ ...bench.env, LINECLEAR_SUBMIT_SETTLE_SECONDS: '3600' }, { clock: new Ahead() }),
  );
  const finds = bench.provider.calls.find;
  bench.provider.failNext('submit', 1, 'break before');
  const claim = await bench.claim();
  await vi.waitFor(async () => {
    const row = await bench.row(claim);
    expect(row).toMatchObject({ state: 'submitting', lease_owner: null });
    expect(Number(row['next_action_at']) - Number(row['submit_started_at'])).toBeGreaterThan(3_000_000);
  }, PATIENCE);
  expect(bench.provider.calls.find).toBe(finds + 1);
});

async function flush(): Promise<void> {
  const redis = openRedis(bench.env['REDIS_URL']!, bench.service.log);
  await redis.connect();
  await redis.flushall();
  await redis.quit();
}

async function keys(): Promise<string[]> {
  const redis = openRedis(bench.env['REDIS_URL']!, bench.service.log);
  await redis.connect();
  const found = await redis.keys('*');
  await redis.quit();
  return found;
}
