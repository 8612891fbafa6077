import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import * as lanes from '../src/db/lanes.repo.js';
import { poolName } from '../src/domain/pools.js';
import type { QueuedJob } from '../src/domain/world.fixture.js';
import { seedJobs } from './furnish-world.js';
import { emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let admin: Person;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin');
  ada = house.folk.add('researcher');
  ben = house.folk.add('researcher');
});
beforeEach(async () => {
  await emptyQueue(house);
  await house.service.database.query('truncate eta_samples, maintenance');
  await house.limits({ max_concurrent: 1, user_max_concurrent: 50 });
});
afterAll(() => house?.close());

const submit = async (person: Person, seconds: number, more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(person, { estimated_duration_seconds: seconds, ...more });
  expect(status).toBe(202);
  return body.job_id;
};
const running = async (person: Person, seconds: number): Promise<string> => {
  const id = await submit(person, seconds);
  await vi.waitFor(async () => expect(await house.status(id)).toBe('dispatching'));
  return id;
};
/** The run took what was estimated, times so much. */
async function runs(id: string, times = 1): Promise<void> {
  const { claimed_at: claimedAt, estimated_duration_seconds: seconds } = await house.row(id);
  const startedAt = claimedAt as Date;
  await house.ended(id, 'succeeded', {
    started_at: startedAt.toISOString(),
    ended_at: new Date(startedAt.getTime() + Number(seconds) * times * 1_000).toISOString(),
  });
}
const jobOf = (ord: number): string => `job_${ord.toString(16).padStart(32, '0')}`;
const position = async (person: Person, id: string) =>
  (await house.as(person).get(`/api/queue/position/${id}`)).body;
/** What is told is two seconds old at most. */
const soon = (look: () => Promise<void>): Promise<void> =>
  vi.waitFor(look, { timeout: 8_000, interval: 100 });

interface Entry {
  readonly job_id: string;
  readonly status: string;
  readonly position: number | null;
  readonly eta: { readonly p50: string } | null;
}

it('foretells the order in which the house lets jobs in, when they end as expected', async () => {
  await house.limits({ max_concurrent: 2, user_max_concurrent: 50 });
  const cyd = house.folk.add('lead');
  const first = [
    await running(house.folk.add('researcher'), 300),
    await running(house.folk.add('researcher'), 40),
  ];
  const waiting: string[] = [];
  for (const [person, seconds] of [
    [ada, 100],
    [ada, 31],
    [ben, 57],
    [ada, 170],
    [cyd, 45],
    [ben, 83],
    [cyd, 210],
    [ben, 12],
  ] as const)
    waiting.push(await submit(person, seconds));
  const { entries } = (await house.as(admin).get('/api/queue')).body as { entries: Entry[] };
  const foretold = entries.filter(({ status }) => status === 'queued');
  expect(foretold.map((one) => one.position)).toEqual(waiting.map((_, n) => n + 1));
  expect(foretold.map((one) => one.job_id).toSorted()).toEqual(waiting.toSorted());

  const endsAt = new Map<string, number>();
  const starts = async (id: string, atMs: number): Promise<void> => {
    endsAt.set(id, atMs + Number((await house.row(id))['estimated_duration_seconds']) * 1_000);
  };
  for (const id of first) await starts(id, ((await house.row(id))['claimed_at'] as Date).getTime());
  for (const { job_id: next, eta } of foretold) {
    const [ends] = [...endsAt].toSorted(([, a], [, b]) => a - b);
    endsAt.delete(ends![0]);
    await runs(ends![0]);
    await vi.waitFor(async () => expect(await house.status(ends![0])).toBe('completed'));
    const let_in = await vi.waitFor(async () => {
      const rows = await house.service.database.query<{ id: string }>(
        `select id from jobs where state = 'dispatching' and id <> all($1::text[])`,
        [[...endsAt.keys()]],
      );
      expect(rows).toHaveLength(1);
      return rows[0]!.id;
    });
    expect(let_in).toBe(next);
    await starts(next, Date.parse(eta!.p50));
  }
  expect(await recount(house)).toEqual([]);
});

it('tells when a job starts, wherever it is shown', async () => {
  const first = await running(ben, 600);
  const [a1, a2] = [await submit(ada, 60), await submit(ada, 60)];
  const { claimed_at: claimedAt } = await house.row(first);
  const start = (claimedAt as Date).getTime() + 600_000;
  const told = await position(ada, a2);
  expect(told).toMatchObject({ job_id: a2, position: 2, status: 'queued', priority: 40 });
  expect(told.eta).toMatchObject({ is_bounded: true, beyond: null });
  const [p50, p90] = [Date.parse(told.eta.p50), Date.parse(told.eta.p90)];
  expect(p50 - start).toBe(60_000);
  // Nothing was measured yet: nine of ten are believed to take no longer than half as much again.
  expect(p90).toBe((claimedAt as Date).getTime() + 900_000 + 90_000);
  expect(told.estimated_wait_seconds).toBe(Math.ceil((p50 - Date.parse(told.eta.as_of)) / 1_000));
  const shown = (await house.as(ada).get(`/api/cloud/jobs/${a1}`)).body;
  expect(shown).toMatchObject({
    position: 1,
    eta: { p50: new Date(start).toISOString() },
    waits_for: 'its turn: it is the first in the queue',
  });
  const mine = (await house.as(ada).get('/api/queue/me')).body;
  expect(mine).toMatchObject({
    best_position: 1,
    pending_jobs: [{ job_id: a1, position: 1 }, { position: 2 }],
  });
  expect(mine.pending_jobs[1].eta.p50).toBe(told.eta.p50);
  expect(await position(ben, first)).toMatchObject({ position: null, eta: null, status: 'dispatching' });
  expect((await house.as(ben).get(`/api/queue/position/${a1}`)).status).toBe(404);
  expect((await house.as(ada).get('/api/queue/position/x')).status).toBe(400);
});

it('says why it does not know when a job starts', async () => {
  const first = await running(ben, 8 * 86_400);
  const far = await submit(ada, 60);
  expect((await position(ada, far)).eta).toMatchObject({ p50: null, is_bounded: false, beyond: 'far' });
  await house.as(admin).put('/api/queue/policy', { is_paused: true });
  await soon(async () => expect((await position(ada, far)).eta).toMatchObject({ p50: null, beyond: 'kept' }));
  await house.as(admin).put('/api/queue/policy', { is_paused: false });
  await house.as(ada).post(`/api/queue/${far}/hold`);
  expect(await position(ada, far)).toMatchObject({ position: null, eta: null, status: 'queued' });
  await house.ended(first);
});

it('tells when a job starts that has to wait for maintenance first', async () => {
  await running(ben, 600);
  const starts_at = new Date(Date.now() + 900_000).toISOString();
  const ends_at = new Date(Date.now() + 1_800_000).toISOString();
  const wanted = { kind: 'house', starts_at, ends_at, reason: 'new switches' };
  const { status, body } = await house.as(admin).post('/api/queue/maintenance', wanted);
  expect(status).toBe(201);
  const long = await submit(ada, 400);
  expect((await position(ada, long)).eta).toMatchObject({ p50: ends_at, is_bounded: true });
  const short = await submit(house.folk.add('researcher'), 200);
  expect(await position(admin, short)).toMatchObject({ position: 1 });
  const { body: why } = await house.as(admin).get(`/api/queue/explain?job=${short}&before=${long}`);
  expect(why).toMatchObject({ goes_first: short, reason: 'maintenance', limit: `maintenance:${body.id}` });
});

it('knows a job that was queued just now, and one view serves all who ask meanwhile', async () => {
  await running(ben, 600);
  for (let n = 1; n <= 5; n += 1) {
    const id = await submit(ada, 60);
    const all = await Promise.all(Array.from({ length: 8 }, () => position(ada, id)));
    expect(all.map((one) => one.position)).toEqual(all.map(() => n));
  }
});

it('learns from what runs took, and counts how often it was right', async () => {
  const another = await openHouse();
  try {
    const person = another.folk.add('researcher');
    await another.limits({ max_concurrent: 1, user_max_concurrent: 50 });
    const { database } = another.service;
    for (let n = 0; n < 30; n += 1) await another.submit(person, { estimated_duration_seconds: 100 });
    // As if all but the last five had run twice as long as was estimated.
    await database.tx(async (tx) => {
      await tx.query(`update jobs set state = 'completed', ord = null, claimed_at = now() - interval '1 hour',
        started_at = now() - interval '1 hour', ended_at = now() - interval '1 hour' + interval '200 seconds'
        where state = 'queued' and id <> all(array(select id from jobs where state = 'queued' order by id desc limit 5))`);
    });
    await another.as(another.folk.add('admin')).post('/api/queue/cleanup');
    const [last] = await database.query<{ id: string }>(
      `select id from jobs where state = 'queued' order by id limit 1`,
    );
    const told = (await another.as(person).get(`/api/queue/position/${last!.id}`)).body;
    const [slot] = await database.query<{ at: Date }>(
      `select claimed_at as at from jobs where state = 'dispatching'`,
    );
    // 24 runs at twice the time, and what is believed of ten: of the house what was estimated, of its machines what the house says.
    const expected = slot!.at.getTime() + 100_000 * 2 ** (24 / 34 + (10 / 34) * (24 / 34));
    expect(Math.abs(Date.parse(told.eta.p50) - expected)).toBeLessThan(1_000);

    await vi.waitFor(async () => expect(await database.query('select from eta_samples')).toHaveLength(1));
    const metrics = async (): Promise<string> =>
      (await fetch(new URL('/metrics', another.service.url))).text();
    expect(await metrics()).toMatch(/lineclear_eta_answers\{[^}]*\} 0/);
    await database.query(
      `update eta_samples set p50 = now() - interval '2 hours', p90 = now() - interval '1 minute'`,
    );
    expect(await metrics()).toMatch(/lineclear_eta_coverage_ratio\{[^}]*quantile="p90"[^}]*\} 0/);
    await database.query(
      `update eta_samples set p50 = now() - interval '2 hours', p90 = now() + interval '1 hour'`,
    );
    await another.ended(
      (await database.query<{ id: string }>(`select id from jobs where state = 'dispatching'`))[0]!.id,
    );
    await vi.waitFor(async () => expect(await another.status(last!.id)).toBe('dispatching'));
    const text = await metrics();
    expect(text).toMatch(/lineclear_eta_answers\{[^}]*\} 1/);
    expect(text).toMatch(/lineclear_eta_coverage_ratio\{[^}]*quantile="p50"[^}]*\} 0/);
    expect(text).toMatch(/lineclear_eta_coverage_ratio\{[^}]*quantile="p90"[^}]*\} 1/);
  } finally {
    await another.close();
  }
});

// The last one: what is known of so long a queue is kept for a while.
it('reads the beginning of a very long queue, of every owner as much', async () => {
  await running(ben, 60);
  // Of 12,000 jobs 10,000 are read: 3,333 of each.
  const each = 4_000;
  const queue = [1, 2, 3].flatMap((userId, nth) =>
    Array.from({ length: each }, (_, n): QueuedJob => {
      const ord = 1_000_000 + nth * each + n;
      const where = { provider: 'local', hardware: 'local', gpus: 1, teamId: null, orgId: null };
      const who = { userId, level: 'lead', band: userId === 1 ? 60 : 20 };
      return { ...where, ...who, id: jobOf(ord), ord, queuedAtMs: Date.now(), charge: 1 };
    }),
  );
  await house.service.database.tx(async (tx) => {
    await seedJobs(tx, queue);
    const heads = queue.filter((_, n) => n % each === 0);
    await lanes.add(
      tx,
      heads.map((job) => ({
        ...job,
        pool: poolName(job),
        jobs: each,
        headOrd: job.ord,
        headQueuedAt: new Date(job.queuedAtMs),
      })),
    );
    await lanes.refresh(tx, [1, 2, 3], []);
  });
  expect(await position(admin, jobOf(1_000_000 + 3_332))).toMatchObject({
    position: 3_333,
    eta: { is_bounded: true },
  });
  for (const beyond of [jobOf(1_000_000 + 3_333), jobOf(1_000_000 + each)])
    expect(await position(admin, beyond)).toMatchObject({ position: null, eta: { beyond: 'unread' } });
});
