import { setTimeout as delay } from 'node:timers/promises';
import { eventsIn } from '@lineclear/contracts';
import type { Client } from '@lineclear/testkit';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openChaosHouse, type ChaosHouse } from './chaos-house.js';
import { ok } from './furnish.js';
import type { EndedJob } from './queue-tables.js';
import { randomFrom, wreck } from './wreck.js';

const JOBS = Number(process.env['LINECLEAR_CHAOS_JOBS'] ?? 300);
const SEED = Number(process.env['LINECLEAR_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const IS_LONG = JOBS > 1_000;
const EVERY_MS = 60;
const KILLS = IS_LONG ? 120 : 14;
const NATS_AWAY_MS = IS_LONG ? 30_000 : 8_000;
/** Of so many jobs one is cancelled by its user while all this goes on. */
const CANCELLED_OF = 20;
const PATIENT = { timeout: 180_000 + 100 * JOBS, interval: 500 };
const FINAL = ['completed', 'failed', 'cancelled'];

let chaos: ChaosHouse;
beforeAll(async () => {
  console.log(`chaos with ${JOBS} jobs, LINECLEAR_CHAOS_SEED=${SEED}`);
  chaos = await openChaosHouse();
}, 180_000);
afterAll(() => chaos?.close(), 60_000);

/** Asks as a careful client does: again until there is an answer of the house itself. */
async function untilAnswered(
  user: Client,
  path: string,
  expected: readonly number[],
  body?: object,
  headers?: Record<string, string>,
): Promise<{ job_id: string }> {
  for (;;) {
    try {
      const answer = await user.post(path, body, headers);
      if (expected.includes(answer.status)) return answer.body as { job_id: string };
      expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(500);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await delay(300);
  }
}

async function submitted(n: number): Promise<string> {
  const { user, level } = chaos.users[n % chaos.users.length]!;
  const body = {
    config_name: `chaos-${n}`,
    config: { n },
    hardware: n % 3 === 0 ? 'gpu-h100' : 'gpu-a100',
    estimated_duration_seconds: 60,
    priority: level === 'lead' && n % 3 === 0 ? 'high' : 'normal',
  };
  const key = { 'idempotency-key': `chaos-${n}` };
  const { job_id } = await untilAnswered(user, '/api/cloud/fake/submit', [200, 202], body, key);
  // One that is over or is being cancelled already cannot be cancelled (again).
  if (n % CANCELLED_OF === 0) await untilAnswered(user, `/api/cloud/jobs/${job_id}/cancel`, [200, 202, 409]);
  return job_id;
}

async function submitAll(): Promise<string[]> {
  const running: Promise<string>[] = [];
  for (let n = 0; n < JOBS; n += 1) {
    const job = submitted(n);
    // It is told of below, when all are under way.
    job.catch(() => undefined);
    running.push(job);
    await delay(EVERY_MS);
  }
  return Promise.all(running);
}

/** Looks at the counters and ceilings again and again, until told to end; answers what was wrong, and how often it looked. */
async function watch(signal: AbortSignal): Promise<{ wrongs: object[]; looks: number }> {
  const wrongs: object[] = [];
  let looks = 0;
  while (!signal.aborted) {
    const found = await chaos.queue.wrongs();
    if (found) looks += 1;
    wrongs.push(...(found ?? []));
    await delay(250);
  }
  return { wrongs, looks };
}

it(
  'ends every job exactly once, whatever is killed, flushed, stopped or restarted',
  async () => {
    const { house, provider, queue, admin, hooks } = chaos;
    const began = performance.now();
    const seconds = (): number => Math.round((performance.now() - began) / 1_000);
    const pids = Object.entries(house.services).map(([name, { pid }]) => [name, pid] as const);
    const watching = new AbortController();
    const watched = watch(watching.signal);
    // What it throws is told of at the end.
    watched.catch(() => undefined);
    const [ids, killed] = await Promise.all([
      submitAll(),
      wreck(house, provider, { kills: KILLS, natsAwayMs: NATS_AWAY_MS, random: randomFrom(SEED) }),
    ]);
    const wreckedFor = seconds();
    // The wreck was one: every service is another process now.
    await vi.waitFor(() => {
      for (const [name, pid] of pids) expect([0, pid], name).not.toContain(house.services[name]!.pid);
    }, PATIENT);
    expect(new Set(ids).size).toBe(JOBS);

    const jobs = await vi.waitFor(async () => {
      const found = await queue.jobs(ids);
      expect(found.filter(({ state }) => !FINAL.includes(state))).toHaveLength(0);
      return found;
    }, PATIENT);
    const endedAfter = seconds();
    expect(jobs).toHaveLength(JOBS);
    // As what the provider did with it, or as its user wished.
    expect(jobs.filter((job) => !endedWell(job))).toEqual([]);

    // Every remote side saw one run per attempt, and there was one attempt per job.
    expect(provider.mostRunsOfOneKey).toBe(1);
    const completed = jobs.filter(({ state }) => state === 'completed').map(({ id }) => id);
    expect(completed.filter((id) => provider.runsOf(`lc-${id.replace('job_', '')}-a1`) !== 1)).toEqual([]);
    expect(provider.totalRuns).toBeLessThanOrEqual(JOBS);

    // Exactly one end of each job is on the stream, and at least one webhook told of it.
    await vi.waitFor(async () => {
      for (const [name, { databaseUrl }] of Object.entries(house.services))
        if (databaseUrl) expect(await rowsIn(databaseUrl, 'outbox'), name).toBe(0);
    }, PATIENT);
    const ends = await endsOnStream();
    expect(jobs.filter(({ id, state }) => ends.get(id)?.join(' ') !== state)).toEqual([]);
    await vi.waitFor(() => {
      const told = new Set(hooks.received.map(({ data }) => data.job_id));
      expect(completed.filter((id) => !told.has(id))).toHaveLength(0);
    }, PATIENT);

    // Nothing is taken or waits any more, no counter was wrong at any moment, and no ceiling was exceeded.
    // Who was killed last may still be on its way up.
    await vi.waitFor(async () => {
      expect(ok(await admin.get('/api/queue'))).toMatchObject({ total_pending: 0, total_running: 0 });
    }, PATIENT);
    watching.abort();
    const { wrongs, looks } = await watched;
    expect(wrongs).toEqual([]);
    expect(looks).toBeGreaterThan(0);
    expect(await queue.wrongs()).toEqual([]);
    console.log(
      `${JOBS} jobs, ${killed} kills in ${wreckedFor} s; all ended after ${endedAfter} s, all told after ${seconds()} s; ` +
        `${JOBS - completed.length} cancelled; counters and ceilings looked at ${looks} times`,
    );
  },
  600_000 + 300 * JOBS,
);

const endedWell = ({ state, attempt, cancel_requested }: EndedJob): boolean =>
  (state === 'completed' && attempt === 1) || (state === 'cancelled' && cancel_requested);

async function rowsIn(url: string, table: string): Promise<number> {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  await database.end();
  return rows[0]!.n;
}

/** The final events of each job, one for each time that one is on the stream. */
async function endsOnStream(): Promise<Map<string, string[]>> {
  const { username, password, host } = new URL(chaos.house.servers.nats.url);
  const nats = await connect({ servers: host, user: username, pass: password });
  const ends = new Map<string, string[]>();
  for (const end of FINAL) {
    const subject = `lineclear.job.${end}`;
    const consumer = await jetstream(nats).consumers.get('LINECLEAR', { filter_subjects: subject });
    const { num_pending: total } = await consumer.info();
    const messages = total > 0 ? await consumer.fetch({ max_messages: total, expires: 30_000 }) : [];
    for await (const message of messages)
      for (const { data } of eventsIn(message.string()) as { data: { job_id: string } }[])
        ends.set(data.job_id, [...(ends.get(data.job_id) ?? []), end]);
  }
  await nats.close();
  return ends;
}
