import { jobClaimed } from '@lineclear/contracts';
import { client, refusesBadInput, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { BandsBetweenLevels1795661000000 } from '../src/db/migrations/1795661000000-bands-between-levels.js';
import { FairQueue1795711000010 } from '../src/db/migrations/1795711000010-fair-queue.js';
import { seedJobs } from './furnish-world.js';
import { emptyQueue, JOB, openHouse, recount, type House } from './house.js';

let house: House;
let admin: Person;

beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin', { username: 'root' });
});
afterAll(() => house?.close());
beforeEach(() => emptyQueue(house));

const states = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await house.service.database.query<{ state: string; n: number }>(
        'select state, count(*) as n from jobs group by 1',
      )
    ).map(({ state, n }) => [state, n]),
  );
const endAll = async (): Promise<void> => {
  const rows = await house.service.database.query<{ id: string }>(
    `select id from jobs where state in ('dispatching', 'running')`,
  );
  await Promise.all(rows.map(({ id }) => house.ended(id)));
};

/** Nobody waits for these so long that it would be his turn whatever his band. */
const SHORT = { estimated_duration_seconds: 60 };

it('keeps every ceiling with two replicas under 200 parallel submits, and idles no slot', async () => {
  const replica = await house.replica();
  await house.limits({ max_concurrent: 12, user_max_concurrent: 3 });
  const users = Array.from({ length: 6 }, () => house.folk.add('researcher'));
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      client(n % 2 ? replica.url : house.service.url, users[n % 6]!.token).post(
        '/api/cloud/local/submit',
        JOB,
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 202));
  // Six users of three each would be 18: the house holds 12.
  for (let done = 12; done <= 204; done += 12) {
    const open = Math.min(12, 200 - (done - 12));
    await vi.waitFor(async () => {
      const now = await states();
      expect((now['dispatching'] ?? 0) + (now['running'] ?? 0)).toBe(open);
      expect(now['completed'] ?? 0).toBe(done - 12);
    });
    const byUser = await house.service.database.query<{ n: number }>(
      `select count(*) as n from jobs where state = 'dispatching' group by user_id`,
    );
    expect(Math.max(...byUser.map(({ n }) => n))).toBeLessThanOrEqual(3);
    expect(await recount(house)).toEqual([]);
    await endAll();
  }
  await vi.waitFor(async () => expect(await states()).toEqual({ completed: 200 }));
  expect(await recount(house)).toEqual([]);
  const perJob = new Map<string, number>();
  for (const { data } of house.peer.events(jobClaimed))
    perJob.set(data.job_id, (perJob.get(data.job_id) ?? 0) + 1);
  expect([...perJob.values()].every((n) => n === 1)).toBe(true);
});

it('claims by bands, then by age, and passes over who is at the ceiling', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const [viewer, researcher, lead, boss] = [
    house.folk.add('viewer', { permissions: ['job.submit', 'job.view.own'] }),
    house.folk.add('researcher'),
    house.folk.add('lead'),
    house.folk.add('admin'),
  ];
  const blocker = (await house.submit(house.folk.add('researcher'), SHORT)).body.job_id as string;
  await vi.waitFor(async () => expect(await house.status(blocker)).toBe('dispatching'));
  const names = new Map<string, string>();
  for (const [person, name, more] of [
    [viewer, 'viewer', {}],
    [researcher, 'researcher 1', {}],
    [lead, 'lead', {}],
    [researcher, 'researcher 2', {}],
    [boss, 'admin', {}],
    [lead, 'lead high', { priority: 'high' }],
  ] as const)
    names.set((await house.submit(person, { ...SHORT, ...more })).body.job_id, name);
  const queue = (await house.as(admin).get('/api/queue')).body;
  const expected = ['admin', 'lead high', 'lead', 'researcher 1', 'researcher 2', 'viewer'];
  const waiting = queue.entries.filter(({ status }: { status: string }) => status === 'queued');
  expect(waiting.map(({ job_id }: { job_id: string }) => names.get(job_id))).toEqual(expected);
  expect(waiting.map(({ position }: { position: number }) => position)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(waiting[1]).toMatchObject({ priority: 61, priority_name: 'lead_high' });
  expect(queue).toMatchObject({ total_pending: 6, total_running: 1 });
  let running = blocker;
  for (const next of expected) {
    await house.ended(running);
    await vi.waitFor(async () => {
      const [row] = await house.service.database.query<{ id: string }>(
        `select id from jobs where state = 'dispatching'`,
      );
      expect(names.get(row?.id ?? '')).toBe(next);
      running = row!.id;
    });
  }
  expect(await recount(house)).toEqual([]);
});

it('claims a level that somebody made between the levels beside it', async () => {
  const permissions = ['job.submit', 'job.view.own', 'job.priority.high'] as const;
  await house.folk.level('senior', { priority: 21, permissions });
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const [researcher, senior, lead] = [
    house.folk.add('researcher', { permissions }),
    house.folk.add('senior'),
    house.folk.add('lead'),
  ];
  const blocker = (await house.submit(house.folk.add('researcher'), SHORT)).body.job_id as string;
  await vi.waitFor(async () => expect(await house.status(blocker)).toBe('dispatching'));
  for (const [person, more] of [
    [researcher, {}],
    [researcher, { priority: 'high' }],
    [senior, {}],
    [lead, {}],
    [senior, { priority: 'high' }],
  ] as const)
    expect((await house.submit(person, { ...SHORT, ...more })).status).toBe(202);
  const { entries } = (await house.as(admin).get('/api/queue')).body;
  const waiting = entries.filter(({ status }: { status: string }) => status === 'queued');
  expect(
    waiting.map((entry: Record<string, unknown>) => [entry['priority_name'], entry['priority']]),
  ).toEqual([
    ['lead', 60],
    ['senior_high', 43],
    ['senior', 42],
    ['researcher_high', 41],
    ['researcher', 40],
  ]);
  expect(await recount(house)).toEqual([]);
});

it('lets new ceilings hold at once, on every replica', async () => {
  await house.limits({ max_concurrent: 100, user_max_concurrent: 1 });
  const user = house.folk.add('researcher');
  for (let n = 0; n < 6; n += 1) await house.submit(user);
  await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 1, queued: 5 }));
  await house.limits({ max_concurrent: 100, user_max_concurrent: 4 });
  await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 4, queued: 2 }));
  await house.limits({ max_concurrent: 2, user_max_concurrent: 4 });
  await endAll();
  await vi.waitFor(async () => expect(await states()).toEqual({ completed: 4, dispatching: 2 }));
  expect((await house.as(user).get('/api/queue/concurrency')).body).toEqual({
    max_concurrent: 2,
    user_max_concurrent: 4,
  });
  expect((await house.as(user).post('/api/queue/concurrency', { max_concurrent: 9 })).status).toBe(403);
  await refusesBadInput(
    (path, body) => house.as(admin).post(path, body),
    '/api/queue/concurrency',
    { max_concurrent: 5, user_max_concurrent: 5 },
    [
      ['max_concurrent', { max_concurrent: 0 }],
      ['max_concurrent', { max_concurrent: 100_001 }],
      ['max_concurrent', { max_concurrent: 1.5 }],
      ['user_max_concurrent', { user_max_concurrent: '3' }],
    ],
  );
  expect((await house.as(admin).post('/api/queue/concurrency', {})).status).toBe(400);
  expect((await house.as(user).get('/api/queue/concurrency')).body).toEqual({
    max_concurrent: 2,
    user_max_concurrent: 4,
  });
  const me = (await house.as(user).get('/api/queue/me')).body;
  expect(me).toMatchObject({ pending_count: 0, running_count: 2, blocked_count: 0, best_position: null });
  expect((await house.as(user).get('/api/queue/stats')).status).toBe(403);
  const stats = (await house.as(admin).get('/api/queue/stats')).body;
  expect(stats).toMatchObject({
    running: 2,
    queue_depth: 0,
    max_concurrent: 2,
    by_status: { completed: 4, dispatching: 2, queued: 0 },
  });
  expect(stats.by_user).toEqual([
    { user_id: user.principal.user_id, username: user.principal.username, pending: 0, running: 2 },
  ]);
});

it('keeps the order of jobs that were queued under the old numbers', async () => {
  const { database } = house.service;
  const old = [105, 100, 35, 30, 25, 20, 15, 10];
  const job = {
    userId: 1,
    teamId: null,
    orgId: null,
    level: 'viewer',
    provider: 'local',
    hardware: 'local',
    gpus: 1,
  };
  await seedJobs(
    database,
    old.map((band, ord) => ({ ...job, id: '', band, ord, queuedAtMs: 0, charge: 0 })),
  );
  const runner = database.source.createQueryRunner();
  const bands = async (): Promise<number[][]> => [
    (await database.query<{ band: number }>('select band from jobs order by ord')).map(({ band }) => band),
    (await database.query<{ band: number }>('select band from lanes order by head_ord')).map(
      ({ band }) => band,
    ),
  ];
  const [later, migration] = [new FairQueue1795711000010(), new BandsBetweenLevels1795661000000()];
  try {
    // One user who had every level has lanes whose old and new numbers overlap.
    await later.down(runner);
    await migration.up(runner);
    const now = [201, 200, 61, 60, 41, 40, 21, 20];
    expect(await bands()).toEqual([now, now]);
    await migration.down(runner);
    expect(await bands()).toEqual([old, old]);
    await later.up(runner);
    expect(await bands()).toEqual([old, old]);
    expect(await recount(house)).toEqual([]);
  } finally {
    await runner.release();
  }
});
