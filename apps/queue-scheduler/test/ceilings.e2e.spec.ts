import { jobClaimed } from '@lineclear/contracts';
import { client, refusesBadInput, type Person } from '@lineclear/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { pick as pickFast } from '../src/db/pick.js';
import { BandsBetweenLevels1795661000000 } from '../src/db/migrations/1795661000000-bands-between-levels.js';
import * as quotasRepo from '../src/db/quotas.repo.js';
import * as slots from '../src/db/slots.repo.js';
import { idOf, scopeOf } from '../src/domain/holders.js';
import { naivePick, world } from '../src/domain/world.fixture.js';
import { JOB, openHouse, recount, type House } from './house.js';

let house: House;
let admin: Person;

beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin', { username: 'root' });
});
afterAll(() => house?.close());
beforeEach(async () => {
  await house.service.database.query(
    'truncate jobs, lanes, ledger, submissions, idempotency_keys, usage, quotas, quotas_told',
  );
  await house.service.database.query(`delete from slots where scope <> 'house'`);
  await house.service.database.query('update slots set running = 0');
});

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
    await vi.waitFor(
      async () => {
        const now = await states();
        expect((now['dispatching'] ?? 0) + (now['running'] ?? 0)).toBe(open);
        expect(now['completed'] ?? 0).toBe(done - 12);
      },
      { timeout: 10_000 },
    );
    const byUser = await house.service.database.query<{ n: number }>(
      `select count(*) as n from jobs where state = 'dispatching' group by user_id`,
    );
    expect(Math.max(...byUser.map(({ n }) => n))).toBeLessThanOrEqual(3);
    expect(await recount(house)).toEqual([]);
    await endAll();
  }
  await vi.waitFor(async () => expect(await states()).toEqual({ completed: 200 }), { timeout: 10_000 });
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
  const blocker = (await house.submit(house.folk.add('researcher'))).body.job_id as string;
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
    names.set((await house.submit(person, more)).body.job_id, name);
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
    await vi.waitFor(
      async () => {
        const [row] = await house.service.database.query<{ id: string }>(
          `select id from jobs where state = 'dispatching'`,
        );
        expect(names.get(row?.id ?? '')).toBe(next);
        running = row!.id;
      },
      { timeout: 5_000 },
    );
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
  const blocker = (await house.submit(house.folk.add('researcher'))).body.job_id as string;
  await vi.waitFor(async () => expect(await house.status(blocker)).toBe('dispatching'));
  for (const [person, more] of [
    [researcher, {}],
    [researcher, { priority: 'high' }],
    [senior, {}],
    [lead, {}],
    [senior, { priority: 'high' }],
  ] as const)
    expect((await house.submit(person, more)).status).toBe(202);
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

it('keeps the order of jobs that were queued under the old numbers', async () => {
  const { database } = house.service;
  const old = [105, 100, 35, 30, 25, 20, 15, 10];
  const none = old.map(() => null);
  const levels = old.map(() => 'viewer');
  await database.query(SEED, [old.map(() => 1), none, none, levels, old, old.map((_, n) => n)]);
  // One user who had every level has lanes whose old and new numbers overlap.
  await database.query(
    `insert into lanes (user_id, team_id, org_id, band, level, queued, head_ord, is_full) select user_id, 0, 0, band, level, 1, ord, true from jobs`,
  );
  const runner = database.source.createQueryRunner();
  const bands = async (): Promise<number[][]> => [
    (await database.query<{ band: number }>('select band from jobs order by ord')).map(({ band }) => band),
    (await database.query<{ band: number }>('select band from lanes order by head_ord')).map(
      ({ band }) => band,
    ),
  ];
  try {
    const migration = new BandsBetweenLevels1795661000000();
    await migration.up(runner);
    const now = [201, 200, 61, 60, 41, 40, 21, 20];
    expect(await bands()).toEqual([now, now]);
    await migration.down(runner);
    expect(await bands()).toEqual([old, old]);
  } finally {
    await runner.release();
  }
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
  await vi.waitFor(async () => expect(await states()).toEqual({ completed: 4, dispatching: 2 }), {
    timeout: 5_000,
  });
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

/** Thrown to leave no trace of what a test wrote. */
class Undo extends Error {}

const SEED = `insert into jobs (id, user_id, team_id, org_id, username, level, band, provider, config_name, config, hardware, cost_per_hour_usd,
  estimated_duration_seconds, estimated_cost_usd, secrets, labels, facts, submitted_at, state, version, attempt, queued_at, ord)
  select 'job_' || lpad(to_hex(o), 32, '0'), u, t, g, 'u', l, b, 'local', 'x', '{}', 'local', 0, 1, 0, '[]', '{}', '{}', now(), 'queued', 1, 0, now(), o
  from unnest($1::int4[], $2::int4[], $3::int4[], $4::text[], $5::int2[], $6::int8[]) as n(u, t, g, l, b, o)`;
const LANES = `select user_id, coalesce(team_id, 0) as team_id, coalesce(org_id, 0) as org_id, band, max(level) as level, count(*)::int4 as n, min(ord) as head
  from jobs where state = 'queued' group by 1, 2, 3, 4`;

it('picks in SQL what the policy picks', async () => {
  const { database } = house.service;
  const given = fc.tuple(world, fc.integer({ min: 1, max: 8 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(given, async ([{ queue, quotas, running, taken, ...limits }, atMost, unmarked]) => {
      const expected = naivePick({ queue, quotas, running, taken, ...limits });
      const holders = [...taken.keys()];
      const got: string[] = [];
      await database
        .tx(async (tx) => {
          // Only this transaction sees any of it; the service's own picks wait.
          await slots.enter(tx);
          await tx.query(SEED, [
            queue.map(({ userId }) => userId),
            queue.map(({ teamId }) => teamId),
            queue.map(({ orgId }) => orgId),
            queue.map(({ level }) => level),
            queue.map(({ band }) => band),
            queue.map(({ ord }) => ord),
          ]);
          await tx.query('update limits set max_concurrent = $1, user_max_concurrent = $2', [
            limits.maxConcurrent,
            limits.userMaxConcurrent,
          ]);
          for (const [n, quota] of quotas.entries()) await quotasRepo.take(tx, quota, quota, n + 1);
          await tx.query(
            'insert into slots (scope, subject, running) select * from unnest($1::text[], $2::int4[], $3::int4[])',
            [holders.map(scopeOf), holders.map(idOf), [...taken.values()]],
          );
          await tx.query(`update slots set running = $1 where scope = 'house'`, [running.length]);
          await tx.query(
            `insert into lanes (user_id, team_id, org_id, band, level, queued, head_ord, is_full)
             select q.*, $1 and coalesce((select running from slots s where s.scope = 'user' and s.subject = q.user_id), 0) >= $2 from (${LANES}) q`,
            [!unmarked, limits.userMaxConcurrent],
          );
          for (let more = true; more;) {
            const picked = await pickFast(tx, atMost, new Date());
            got.push(...picked.jobIds);
            if (picked.jobIds.length > 0) await slots.take(tx, picked.jobIds.length, picked.takings, picked);
            await tx.query(`update jobs set state = 'dispatching', ord = null where id = any($1)`, [
              picked.jobIds,
            ]);
            await tx.query(`update lanes l set queued = coalesce(q.n, 0), head_ord = coalesce(q.head, l.head_ord)
              from lanes o left join (${LANES}) q using (user_id, team_id, org_id, band)
              where (l.user_id, l.team_id, l.org_id, l.band) = (o.user_id, o.team_id, o.org_id, o.band)`);
            ({ more } = picked);
          }
          throw new Undo();
        })
        .catch((error: unknown) => {
          if (!(error instanceof Undo)) throw error;
        });
      expect(got).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

it('looks at few rows, however many users at their ceiling stand before the next one', async () => {
  const { database } = house.service;
  const rowsRead = async (users: number): Promise<number> => {
    const ids = Array.from({ length: users }, (_, n) => n + 1_000);
    let rows = 0;
    await database
      .tx(async (tx) => {
        await slots.enter(tx);
        const all = [...ids, 1];
        const none = all.map(() => null);
        const levels = all.map(() => 'viewer');
        await tx.query(SEED, [all, none, none, levels, [...ids.map(() => 100), 10], [...ids, 9_999_999]]);
        await tx.query(
          `insert into slots (scope, subject, running) select 'user', u, 4 from unnest($1::int4[]) u`,
          [ids],
        );
        await tx.query(
          `insert into lanes (user_id, team_id, org_id, band, level, queued, head_ord, is_full)
           select u, 0, 0, 100, 'viewer', 1, u, true from unnest($1::int4[]) u union all select 1, 0, 0, 10, 'viewer', 1, 9999999, false`,
          [ids],
        );
        const read = async (): Promise<number> => {
          const [row] = await tx.query<{ n: number }>(
            `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as n from pg_stat_xact_user_tables where relname in ('jobs', 'lanes', 'slots')`,
          );
          return row?.n ?? 0;
        };
        const before = await read();
        expect((await pickFast(tx, 64, new Date())).jobIds).toEqual([
          `job_${(9_999_999).toString(16).padStart(32, '0')}`,
        ]);
        rows = (await read()) - before;
        throw new Undo();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undo)) throw error;
      });
    return rows;
  };
  const few = await rowsRead(100);
  expect(few).toBeLessThan(20);
  expect(await rowsRead(5_000)).toBe(few);
});
