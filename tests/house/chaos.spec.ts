import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventsIn } from '@lineclear/contracts';
import type { Client } from '@lineclear/testkit';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openChaosHouse, type ChaosHouse } from './chaos-house.js';
import { jobsOf, wishOf, type Wish } from './chaos-jobs.js';
import { ok } from './furnish.js';
import type { EndedJob } from './queue-tables.js';
import { randomFrom, wreck } from './wreck.js';

const SUBMITS = Number(process.env['LINECLEAR_CHAOS_SUBMITS'] ?? 300);
const SEED = Number(process.env['LINECLEAR_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const IS_LONG = SUBMITS > 1_000;
const EVERY_MS = 60;
const KILLS = IS_LONG ? 120 : 14;
const NATS_AWAY_MS = IS_LONG ? 30_000 : 8_000;
const PATIENT = { timeout: 180_000 + 100 * SUBMITS, interval: 500 };
const FINAL = ['completed', 'failed', 'cancelled'];

let chaos: ChaosHouse;
beforeAll(async () => {
  console.log(`chaos with ${SUBMITS} submits, LINECLEAR_CHAOS_SEED=${SEED}`);
  chaos = await openChaosHouse();
}, 180_000);
afterAll(() => chaos?.close(), 60_000);

/** Of a job, of the jobs of an array, or of neither, where it is refused. */
interface Accepted {
  readonly job_id?: string;
  readonly jobs?: readonly { readonly job_id: string }[];
}

/** Asks as a careful client does: again until there is an answer of the house itself. */
async function untilAnswered(
  user: Client,
  path: string,
  expected: readonly number[],
  body?: object,
  headers?: Record<string, string>,
): Promise<Accepted> {
  for (;;) {
    try {
      const answer = await user.post(path, body, headers);
      if (expected.includes(answer.status)) return answer.body as Accepted;
      expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(500);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await delay(300);
  }
}

/** Sends the n-th submit, once there is what its job follows; answers which jobs came of it. */
async function submitted(n: number, earlier: readonly Promise<string[]>[]): Promise<string[]> {
  const { user, path, body, follows, isCancelled, end } = wishOf(n, chaos.users, chaos.marks);
  const by = chaos.users[user]!.user;
  const dependsOn = follows && [{ job_id: (await earlier[follows.n]!)[0], when: follows.when }];
  const key = { 'idempotency-key': `chaos-${n}` };
  // It is refused, where it is known by then that what it follows has come out otherwise.
  const answers = end.state === 'cancelled' ? [200, 202, 400] : [200, 202];
  const { job_id, jobs } = await untilAnswered(by, path, answers, { ...body, depends_on: dependsOn }, key);
  const ids = jobs?.map((job) => job.job_id) ?? (job_id === undefined ? [] : [job_id]);
  // One that is over or is being cancelled already cannot be cancelled (again).
  if (isCancelled) await untilAnswered(by, `/api/cloud/jobs/${ids[0]}/cancel`, [200, 202, 409]);
  return ids;
}

/** Sends them all; answers how each job must end, and how many were refused. */
async function submitAll(): Promise<{ wishes: Map<string, Wish>; refused: number }> {
  const running: Promise<string[]>[] = [];
  for (let n = 0; n < SUBMITS; n += 1) {
    const jobs = submitted(n, running);
    // It is told of below, when all are under way.
    jobs.catch(() => undefined);
    running.push(jobs);
    await delay(EVERY_MS);
  }
  const wishes = new Map<string, Wish>();
  const all = await Promise.all(running);
  for (const [n, jobs] of all.entries())
    for (const id of jobs) wishes.set(id, wishOf(n, chaos.users, chaos.marks));
  return { wishes, refused: all.filter((jobs) => jobs.length === 0).length };
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
    const { house, provider, queue, admin, hooks, workers, marks } = chaos;
    const began = performance.now();
    const seconds = (): number => Math.round((performance.now() - began) / 1_000);
    const pids = Object.entries(house.services).map(([name, { pid }]) => [name, pid] as const);
    const watching = new AbortController();
    const watched = watch(watching.signal);
    // What it throws is told of at the end.
    watched.catch(() => undefined);
    const [{ wishes, refused }, killed] = await Promise.all([
      submitAll(),
      wreck(house, provider, {
        kills: KILLS,
        natsAwayMs: NATS_AWAY_MS,
        random: randomFrom(SEED),
        workers,
      }),
    ]);
    const wreckedFor = seconds();
    // The wreck was one: every service is another process now.
    await vi.waitFor(() => {
      for (const [name, pid] of pids) expect([0, pid], name).not.toContain(house.services[name]!.pid);
    }, PATIENT);
    // Each submit made its own jobs, whatever became of its answer, and no other ones.
    expect(wishes.size + refused).toBe(jobsOf(SUBMITS));
    expect(await queue.total()).toBe(wishes.size);
    const ids = [...wishes.keys()];

    const jobs = await vi.waitFor(async () => {
      const found = await queue.jobs(ids);
      expect(found.filter(({ state }) => !FINAL.includes(state))).toHaveLength(0);
      return found;
    }, PATIENT);
    const endedAfter = seconds();
    expect(jobs).toHaveLength(ids.length);
    // As what the provider did with it, as what it follows came out, or as its user wished.
    expect(jobs.filter((job) => !endedWell(job, wishes.get(job.id)!))).toEqual([]);

    // Every remote side saw one run of each attempt, and there were no other attempts.
    const preempted = jobs.reduce((sum, job) => sum + job.preempted, 0);
    const completed = jobs.filter(({ state }) => state === 'completed').map(({ id }) => id);
    const onWorkers = new Set(ids.filter((id) => wishes.get(id)!.path.includes('/fleet/')));
    expect(provider.mostRunsOfOneKey).toBe(1);
    const keys = jobs.filter(isOver).flatMap(runKeys);
    const atProvider = keys.filter(({ id }) => !onWorkers.has(id));
    expect(atProvider.filter(({ key }) => provider.runsOf(key) !== 1)).toEqual([]);
    expect(provider.totalRuns).toBeLessThanOrEqual(
      jobs.filter(({ id }) => !onWorkers.has(id)).flatMap(runKeys).length,
    );
    const onMachines = keys.filter(({ id }) => onWorkers.has(id));
    expect(onMachines).toHaveLength(onWorkers.size);
    for (const { id, key } of onMachines) expect(readFileSync(join(marks, id), 'utf8')).toBe(`${key}\n`);

    // Exactly one end of each job is on the stream, with one failure of each attempt before, and at least one webhook told of it.
    await vi.waitFor(async () => {
      for (const [name, { databaseUrl }] of Object.entries(house.services))
        if (databaseUrl) expect(await rowsIn(databaseUrl, 'outbox'), name).toBe(0);
    }, PATIENT);
    const told = await toldOnStream();
    expect(jobs.filter((job) => told.get(job.id)?.join(' ') !== newsOf(job).join(' '))).toEqual([]);
    await vi.waitFor(() => {
      const heard = new Set(hooks.received.map(({ data }) => data.job_id));
      expect(completed.filter((id) => !heard.has(id))).toHaveLength(0);
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
      `${ids.length} jobs (${refused} refused), ${killed} kills in ${wreckedFor} s; all ended after ${endedAfter} s, all told after ${seconds()} s; ` +
        `${completed.length} completed, ${onWorkers.size} of them on workers; ${keys.length} attempts, ${preempted} of them stopped for others; counters and ceilings looked at ${looks} times`,
    );
  },
  600_000 + 300 * SUBMITS,
);

/** As it had to; what its user cancels may be over before. */
const endedWell = (
  { state, attempt, preempted, cancel_requested }: EndedJob,
  { end, isCancelled }: Wish,
): boolean =>
  (state === end.state && attempt - preempted === end.attempt && (isCancelled || !cancel_requested)) ||
  (isCancelled && state === 'cancelled' && cancel_requested);

/** It came to its end by itself. */
const isOver = ({ state }: EndedJob): boolean => state !== 'cancelled';

const runKeys = ({ id, attempt }: EndedJob): { id: string; key: string }[] =>
  Array.from({ length: attempt }, (_, n) => ({ id, key: `lc-${id.replace('job_', '')}-a${n + 1}` }));

/** What everybody is told of a job: each attempt that another one follows, and how it ended. */
const newsOf = ({ state, attempt }: EndedJob): string[] => [
  ...Array.from({ length: Math.max(0, attempt - 1) }, () => 'attempt_failed'),
  state,
];

async function rowsIn(url: string, table: string): Promise<number> {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  await database.end();
  return rows[0]!.n;
}

/** The ends of each job and of its attempts, one for each time that one is on the stream. */
async function toldOnStream(): Promise<Map<string, string[]>> {
  const { username, password, host } = new URL(chaos.house.servers.nats.url);
  const nats = await connect({ servers: host, user: username, pass: password });
  const told = new Map<string, string[]>();
  for (const news of ['attempt_failed', ...FINAL]) {
    const subject = `lineclear.job.${news}`;
    const consumer = await jetstream(nats).consumers.get('LINECLEAR', { filter_subjects: subject });
    const { num_pending: total } = await consumer.info();
    const messages = total > 0 ? await consumer.fetch({ max_messages: total, expires: 30_000 }) : [];
    for await (const message of messages)
      for (const { data } of eventsIn(message.string()) as { data: { job_id: string } }[])
        told.set(data.job_id, [...(told.get(data.job_id) ?? []), news]);
  }
  await nats.close();
  return told;
}
