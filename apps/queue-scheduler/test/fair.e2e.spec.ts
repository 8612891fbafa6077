import type { Tx } from '@lineclear/kit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pick } from '../src/db/pick.js';
import { refresh } from '../src/db/lanes.repo.js';
import * as slots from '../src/db/slots.repo.js';
import {
  behindOneWhoIsFull,
  behindOneWhoseOtherPoolIsPaused,
  naivePick,
  NOW_MS,
  world,
} from '../src/domain/world.fixture.js';
import { claim, furnish, Undo } from './furnish-world.js';
import { openHouse, type House } from './house.js';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());

/** Only this transaction sees any of it, the service's own picks wait, and it leaves no trace. */
const inVain = (work: (tx: Tx) => Promise<void>): Promise<void> =>
  house.service.database
    .tx(async (tx) => {
      await work(tx);
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });

it('picks in SQL what the policy picks', async () => {
  const given = fc.tuple(world, fc.integer({ min: 1, max: 8 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(given, async ([one, atMost, isMarked]) => {
      const got: string[] = [];
      await inVain(async (tx) => {
        const sharing = await slots.enter(tx);
        await furnish(tx, one, isMarked);
        const jobs = new Map(one.queue.map((job) => [job.id, job]));
        for (let more = true; more;) {
          const picked = await pick(tx, atMost, new Date(NOW_MS));
          got.push(...picked.jobIds);
          const gone = picked.jobIds.flatMap((id) => jobs.get(id) ?? []);
          await claim(tx, gone, picked, sharing);
          ({ more } = picked);
        }
      });
      expect(got).toEqual(naivePick(one));
    }),
    {
      numRuns: 200,
      examples: [[[behindOneWhoIsFull, 2, false]], [[behindOneWhoseOtherPoolIsPaused, 1, false]]],
    },
  );
}, 120_000);

const PIECE = 50_000;

/** A queue of so many jobs of so many users, in 40 teams of 10 orgs, in four bands and two pools; some of them at their ceilings. */
async function fill(tx: Tx, jobs: number, users: number): Promise<void> {
  // Indexes are made when all is there, and those that a pick does not need not at all; it is all undone.
  const [index] = await tx.query<{ made_by: string }>(
    `select pg_get_indexdef('jobs_in_lane'::regclass) as made_by`,
  );
  for (const name of [
    'jobs_in_lane',
    'jobs_by_user',
    'jobs_by_org',
    'jobs_in_queue',
    'jobs_live',
    'jobs_lease',
  ])
    await tx.query(`drop index ${name}`);
  // No one statement may take as long as all of them.
  for (let first = 0; first < jobs; first += PIECE)
    await tx.query(
      `insert into jobs (id, user_id, team_id, org_id, username, level, band, own_band, provider, config_name, config, hardware, gpus, cost_per_hour_usd,
       estimated_duration_seconds, estimated_cost_usd, secrets, labels, facts, submitted_at, state, version, attempt, queued_at, ord)
     select 'job_' || lpad(to_hex(n), 32, '0'), n % $2, n % $2 % 40 + 1, n % $2 % 10 + 1, 'u', 'viewer', n % $2 % 4 * 20 + 20, 20, 'acme', 'x', '{}',
       case n / $2 % 2 when 0 then 'a100' else 'h100' end, 1, 1, 60, 1, '[]', '{}', '{}', now(), 'queued', 1, 0, now() - interval '2 hours', n
     from generate_series($1::int4, $3::int4) n`,
      [first, users, Math.min(jobs, first + PIECE) - 1],
    );
  await tx.query(index?.made_by ?? '');
  await tx.query(
    `insert into lanes (user_id, team_id, org_id, band, pool, level, queued, head_ord, head_queued_at, used, is_full)
     select user_id, team_id, org_id, band, provider || '/' || hardware || '/' || gpus::text, 'viewer', count(*), min(ord), min(queued_at),
       user_id % 97, user_id % 3 = 0
     from jobs where ord is not null group by 1, 2, 3, 4, 5`,
  );
  await tx.query(
    `insert into branches (place, parent, band, pool, used) select distinct team_id, org_id, band, pool, team_id from lanes
     union select distinct org_id, -1, band, pool, org_id from lanes`,
  );
  await tx.query(
    `insert into pools (provider, hardware, gpus, running) values ('acme', 'a100', 1, 0), ('acme', 'h100', 1, 0)`,
  );
  await tx.query(
    `insert into slots (scope, subject, running) select 'user', n, 0 from generate_series(0, $1::int4 - 1) n on conflict do nothing`,
    [users],
  );
  await tx.query(`update slots set running = 0 where scope = 'house'`);
  await tx.query('update limits set max_concurrent = 100000, user_max_concurrent = 5, guard_every = 1');
  await refresh(tx, await userIds(tx), []);
  for (const table of ['jobs', 'lanes', 'branches', 'pools', 'slots', 'limits'])
    await tx.query(`analyze ${table}`);
}
const userIds = async (tx: Tx): Promise<number[]> =>
  (await tx.query<{ user_id: number }>('select distinct user_id from lanes')).map(({ user_id }) => user_id);

/** The buffers that a transaction's questions touch, as their plans say. */
function counting(tx: Tx): { tx: Tx; buffers: () => number } {
  let buffers = 0;
  const query = async (sql: string, values?: unknown[]): Promise<unknown[]> => {
    if (/^\s*(?:with|select)/.test(sql)) {
      const [{ 'QUERY PLAN': [{ Plan: plan }] } = { 'QUERY PLAN': [{ Plan: {} }] }] = (await tx.query(
        `explain (analyze, buffers, timing off, format json) ${sql}`,
        values,
      )) as { 'QUERY PLAN': [{ Plan: Record<string, number> }] }[];
      buffers += (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
    }
    return tx.query(sql, values);
  };
  return {
    tx: new Proxy(tx, { get: (of, name) => (name === 'query' ? query : Reflect.get(of, name)) }),
    buffers: () => buffers,
  };
}

it('touches as many buffers to find who is next among a million jobs as among a thousand: 60 at most', async () => {
  const found: number[] = [];
  // What tests before wrote in vain is not left for this one to step over: else the autovacuum would have to be waited for.
  await house.service.database.query(
    'vacuum quotas, pools, pool_limits, limits, slots, branches, lanes, jobs',
  );
  for (const [jobs, users] of [
    [1_000, 100],
    [1_000_000, 10_000],
  ] as const)
    await inVain(async (tx) => {
      await slots.enter(tx);
      await fill(tx, jobs, users);
      const counted = counting(tx);
      expect((await pick(counted.tx, 1, new Date())).jobIds).toHaveLength(1);
      found.push(counted.buffers());
    });
  expect(Math.max(...found)).toBeLessThanOrEqual(60);
}, 600_000);
