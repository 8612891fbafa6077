import type { Tx } from '@lineclear/kit';
import * as lanes from '../src/db/lanes.repo.js';
import * as pools from '../src/db/pools.repo.js';
import * as quotasRepo from '../src/db/quotas.repo.js';
import * as shares from '../src/db/shares.repo.js';
import * as slots from '../src/db/slots.repo.js';
import { countByHolder, idOf, scopeOf, type Holder } from '../src/domain/holders.js';
import { poolName, type Machine } from '../src/domain/pools.js';
import type { Sharing } from '../src/domain/share.js';
import { NOW_MS, type QueuedJob, type World } from '../src/domain/world.fixture.js';
import type { Picked } from '../src/db/pick.js';

/** Thrown to leave no trace of what a test wrote. */
export class Undo extends Error {}

const SEED = `insert into jobs (id, user_id, team_id, org_id, username, level, band, own_band, provider, config_name, config, hardware, gpus, cost_per_hour_usd,
  estimated_duration_seconds, estimated_cost_usd, secrets, labels, facts, submitted_at, state, version, attempt, queued_at, ord)
  select 'job_' || lpad(to_hex(o), 32, '0'), u, t, g, 'u', l, b, b, p, 'x', '{}', h, gpus, 0, 1, c, '[]', '{}', '{}', now(), 'queued', 1, 0, q, o
  from unnest($1::int4[], $2::int4[], $3::int4[], $4::text[], $5::int2[], $6::int8[], $7::text[], $8::text[], $9::int4[], $10::float8[], $11::timestamptz[])
    as n(u, t, g, l, b, o, p, h, gpus, c, q)`;

/** Writes queued jobs, and nothing that follows from them. */
export async function seedJobs(tx: Pick<Tx, 'query'>, queue: readonly QueuedJob[]): Promise<void> {
  await tx.query(SEED, [
    queue.map(({ userId }) => userId),
    queue.map(({ teamId }) => teamId),
    queue.map(({ orgId }) => orgId),
    queue.map(({ level }) => level),
    queue.map(({ band }) => band),
    queue.map(({ ord }) => ord),
    queue.map(({ provider }) => provider),
    queue.map(({ hardware }) => hardware),
    queue.map(({ gpus }) => gpus),
    queue.map(({ charge }) => charge),
    queue.map(({ queuedAtMs }) => new Date(queuedAtMs)),
  ]);
}

const byPool = (machines: readonly Machine[], each: number): (Machine & { by: number })[] => {
  const sums = new Map<string, Machine & { by: number }>();
  for (const one of machines) {
    const name = poolName(one);
    sums.set(name, { ...one, by: (sums.get(name)?.by ?? 0) + each });
  }
  return [...sums.values()];
};

/** Puts a world into the tables, as a house that came to it by itself would have it. `isMarked`: users at their ceiling are known as such. */
export async function furnish(tx: Tx, given: World, isMarked: boolean): Promise<void> {
  const { queue, quotas, limits, running, used, nominal } = given;
  await seedJobs(tx, queue);
  await tx.query(
    `update limits set max_concurrent = $1, user_max_concurrent = $2, guard_every = $3, decisions = $4,
       half_life_hours = 168, starvation_threshold_minutes = 60`,
    [given.maxConcurrent, given.userMaxConcurrent, given.guardEvery, given.decisions],
  );
  for (const [n, quota] of quotas.entries()) await quotasRepo.take(tx, quota, quota, n + 1);
  for (const limit of limits) await pools.setLimit(tx, limit);
  await pools.change(tx, byPool(running, 1));
  await pools.change(tx, byPool(queue, 0));
  const taken = countByHolder(running);
  const holders = [...new Set([...taken.keys(), ...([...nominal.keys()] as Holder[])])];
  await tx.query(
    'insert into slots (scope, subject, running, nominal) select * from unnest($1::text[], $2::int4[], $3::int4[], $4::int4[])',
    [
      holders.map(scopeOf),
      holders.map(idOf),
      holders.map((holder) => taken.get(holder) ?? 0),
      holders.map((holder) => nominal.get(holder) ?? null),
    ],
  );
  await tx.query(`update slots set running = $1 where scope = 'house'`, [running.length]);
  await tx.query('insert into shares select * from unnest($1::text[], $2::float8[])', [
    [...used.keys()],
    [...used.values()],
  ]);
  const byLane = new Map<string, QueuedJob[]>();
  for (const job of queue.toSorted((a, b) => a.ord - b.ord)) {
    const name = [job.userId, job.teamId, job.orgId, job.band, poolName(job)].join(' ');
    byLane.set(name, [...(byLane.get(name) ?? []), job]);
  }
  await lanes.add(
    tx,
    [...byLane.values()].map((jobs) => ({
      ...jobs[0]!,
      pool: poolName(jobs[0]!),
      jobs: jobs.length,
      headOrd: jobs[0]!.ord,
      headQueuedAt: new Date(jobs[0]!.queuedAtMs),
    })),
  );
  const full = [...taken].filter(
    ([holder, jobs]) => scopeOf(holder) === 'user' && jobs >= given.userMaxConcurrent,
  );
  if (isMarked)
    await lanes.markFull(
      tx,
      full.map(([holder]) => idOf(holder)),
      true,
    );
  await lanes.refresh(
    tx,
    queue.map(({ userId }) => userId),
    [...countByHolder(queue).keys()],
  );
}

/** Does to the queue what a claim of these jobs does to it. */
export async function claim(
  tx: Tx,
  jobs: readonly QueuedJob[],
  picked: Picked,
  sharing: Sharing,
): Promise<void> {
  await tx.query(`update jobs set state = 'dispatching', ord = null where id = any($1)`, [picked.jobIds]);
  if (jobs.length === 0) return;
  const full = await slots.take(tx, jobs.length, picked.takings, picked);
  await pools.change(tx, byPool(jobs, 1));
  for (const job of jobs) await lanes.remove(tx, [{ ...job, pool: poolName(job), jobs: 1 }]);
  await lanes.markFull(tx, full, true);
  const at = new Date(NOW_MS);
  await shares.charge(
    tx,
    jobs.map((job) => ({
      user: job.userId,
      team: job.teamId ?? 0,
      org: job.orgId ?? 0,
      amount: job.charge,
      at,
    })),
    sharing,
    at,
  );
  await lanes.refresh(
    tx,
    jobs.map(({ userId }) => userId),
    [...countByHolder(jobs).keys()],
  );
}
