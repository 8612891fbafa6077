import type { Queryable, Tx } from '@lineclear/kit';
import type { Pool, PoolLimit } from '../domain/pools.js';
import { halfLivesAt, type FairPolicy, type Sharing } from '../domain/share.js';
import { idOf, scopeOf, type Holder } from '../domain/holders.js';
import type { Taking } from '../domain/pick.js';
import { reopenAll, SOMEONE_WAITS } from './lanes.repo.js';
import { hasWindowsAfter } from './maintenance.repo.js';
import { POOLS } from './pools.repo.js';
import { HAS_COST_LIMITS } from './costs.repo.js';
import { HAS_QUOTAS } from './quotas.repo.js';

export interface Limits {
  readonly max_concurrent: number;
  readonly user_max_concurrent: number;
}

/**
 * The first statement of every transaction that stores or moves jobs: such transactions go one after the other, on all
 * replicas, so that a pick sees every slot as it is and nobody waits in a circle. They are batches of milliseconds.
 */
export async function enter(tx: Tx): Promise<Sharing> {
  const [row] = await tx.query<{ half_life_hours: number }>(
    `select half_life_hours from limits, slots where scope = 'house' for update of slots`,
  );
  if (!row) throw new Error('the table of limits is empty');
  return { halfLifeSeconds: row.half_life_hours * SECONDS_PER_HOUR };
}
const SECONDS_PER_HOUR = 3_600;

export async function limits(db: Queryable): Promise<Limits> {
  const [row] = await db.query<Limits>('select max_concurrent, user_max_concurrent from limits');
  if (!row) throw new Error('the table of limits is empty');
  return row;
}

/** What stands between new jobs and a slot. */
export interface Room {
  readonly limits: Limits;
  /** How many slots of the house are free. */
  readonly free: number;
  /** Someone is in the queue who could go if there were a slot. */
  readonly someoneWaits: boolean;
  /** There is maintenance, now or to come, that a job may have to wait for. */
  readonly hasWindows: boolean;
  readonly hasQuotas: boolean;
  readonly hasCostLimits: boolean;
  /** How many slots each of those asked for has. */
  readonly taken: ReadonlyMap<Holder, number>;
  readonly pools: readonly Pool[];
  readonly poolLimits: readonly PoolLimit[];
  readonly policy: FairPolicy;
}
interface RoomRow extends Limits, PolicyRow {
  readonly running: number;
  readonly taken: Readonly<Record<Holder, number>>;
  readonly someone_waits: boolean;
  readonly has_windows: boolean;
  readonly has_quotas: boolean;
  readonly has_cost_limits: boolean;
  readonly pools: Pool[];
  readonly pool_limits: PoolLimit[];
}

/** What is set of how the queue is ordered. */
export interface PolicyRow {
  readonly is_paused: boolean;
  readonly half_life_hours: number;
  readonly starvation_threshold_minutes: number;
  readonly guard_every: number;
  /** Machines are kept for a job that waits too long for more of them than are free at once. */
  readonly reserves: boolean;
  /** So long waits a job until runs of lower levels are stopped for it, of those that may be; null for never. */
  readonly preempt_after_minutes: number | null;
  readonly preempt_min_runtime_minutes: number;
}
/** Part of a select list. */
export const POLICY = `is_paused, half_life_hours, starvation_threshold_minutes, guard_every, reserves, preempt_after_minutes,
  preempt_min_runtime_minutes`;

export const policyOf = (row: PolicyRow): FairPolicy => ({
  halfLifeSeconds: row.half_life_hours * SECONDS_PER_HOUR,
  starvationThresholdSeconds: row.starvation_threshold_minutes * 60,
  guardEvery: row.guard_every,
});

/** How things stand for these, in a transaction that has entered. */
export async function roomFor(tx: Tx, holders: readonly Holder[], now: Date): Promise<Room> {
  const [row] = await tx.query<RoomRow>(
    `select max_concurrent, user_max_concurrent, running, ${SOMEONE_WAITS} as someone_waits, ${HAS_QUOTAS} as has_quotas,
       ${HAS_COST_LIMITS} as has_cost_limits, ${POLICY}, ${POOLS}, ${hasWindowsAfter('$3::timestamptz')},
       (select coalesce(json_object_agg(s.scope || ':' || s.subject, s.running), '{}')
        from unnest($1::text[], $2::int4[]) as n(scope, subject) join slots s using (scope, subject)) as taken
     from limits, slots where scope = 'house'`,
    [holders.map(scopeOf), holders.map(idOf), now],
  );
  if (!row) throw new Error('the table of limits is empty');
  const { max_concurrent, user_max_concurrent, running, taken, someone_waits, has_quotas } = row;
  return {
    limits: { max_concurrent, user_max_concurrent },
    free: row.is_paused ? 0 : max_concurrent - running,
    pools: row.pools,
    poolLimits: row.pool_limits,
    policy: policyOf(row),
    someoneWaits: someone_waits,
    hasWindows: row.has_windows,
    hasQuotas: has_quotas,
    hasCostLimits: row.has_cost_limits,
    taken: new Map(Object.entries(taken) as [Holder, number][]),
  };
}

export async function policy(db: Queryable): Promise<PolicyRow> {
  const [row] = await db.query<PolicyRow>(`select ${POLICY} from limits`);
  if (!row) throw new Error('the table of limits is empty');
  return row;
}

/** Sets how the queue is ordered, in a transaction that has entered. With another half-life what was used until now is put on its scale. */
export async function setPolicy(tx: Tx, wanted: PolicyRow, now: Date): Promise<PolicyRow> {
  const [row] = await tx.query<PolicyRow & { before: number }>(
    `with before as (select half_life_hours from limits)
     update limits set is_paused = $1, half_life_hours = $2, starvation_threshold_minutes = $3, guard_every = $4,
       reserves = $5, preempt_after_minutes = $6, preempt_min_runtime_minutes = $7
     returning ${POLICY}, (select half_life_hours from before) as before`,
    [
      wanted.is_paused,
      wanted.half_life_hours,
      wanted.starvation_threshold_minutes,
      wanted.guard_every,
      wanted.reserves,
      wanted.preempt_after_minutes,
      wanted.preempt_min_runtime_minutes,
    ],
  );
  if (!row) throw new Error('the table of limits is empty');
  const { before, ...after } = row;
  if (before === after.half_life_hours) return after;
  const shift =
    halfLivesAt(now, policyOf(after)) - halfLivesAt(now, { halfLifeSeconds: before * SECONDS_PER_HOUR });
  for (const table of ['shares', 'lanes', 'branches'])
    await tx.query(`update ${table} set used = used + $1 where used <> 0`, [shift]);
  return after;
}

/** Sets how many slots are a holder's own; answers how many were. */
export async function setNominal(
  tx: Tx,
  { scope, subject }: { readonly scope: 'org' | 'team'; readonly subject: number },
  jobs: number | null,
): Promise<number | null> {
  const [before] = await tx.query<{ nominal: number | null }>(
    'select nominal from slots where scope = $1 and subject = $2',
    [scope, subject],
  );
  await tx.query(
    `insert into slots (scope, subject, running, nominal) values ($1, $2, 0, $3)
     on conflict (scope, subject) do update set nominal = excluded.nominal`,
    [scope, subject, jobs],
  );
  return before?.nominal ?? null;
}

/** Changes the ceilings for every replica at once: no pick is under way, and the next one marks lanes anew. */
export async function setLimits(tx: Tx, wanted: Partial<Limits>): Promise<Limits> {
  await enter(tx);
  const [row] = await tx.query<Limits>(
    `update limits set max_concurrent = coalesce($1, max_concurrent), user_max_concurrent = coalesce($2, user_max_concurrent)
     returning max_concurrent, user_max_concurrent`,
    [wanted.max_concurrent ?? null, wanted.user_max_concurrent ?? null],
  );
  if (!row) throw new Error('the table of limits is empty');
  await reopenAll(tx);
  return row;
}

/** How many slots the house has, and any one user at most. */
export interface Ceilings {
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
}

/**
 * Takes slots for jobs that are claimed; answers the users who now have as many as any user may. @throws when a ceiling would be exceeded: then nothing may be claimed.
 */
export async function take(
  tx: Tx,
  jobs: number,
  takings: readonly Taking[],
  { maxConcurrent, userMaxConcurrent }: Ceilings,
): Promise<number[]> {
  const rows = await tx.query<{ scope: string; subject: number; running: number }>(
    `with house as (update slots set running = running + $1 where scope = 'house' and running + $1 <= $2 returning 1)
     insert into slots (scope, subject, running)
     select n.scope, n.subject, n.jobs from unnest($3::text[], $4::int4[], $5::int4[]) as n(scope, subject, jobs), house
     order by n.scope, n.subject
     on conflict (scope, subject) do update set running = slots.running + excluded.running
     returning scope, subject, running`,
    [
      jobs,
      maxConcurrent,
      takings.map(({ holder }) => scopeOf(holder)),
      takings.map(({ holder }) => idOf(holder)),
      takings.map((taking) => taking.jobs),
    ],
  );
  const running = new Map(rows.map((row) => [`${row.scope}:${row.subject}`, row.running]));
  if (takings.some(({ holder, atMost }) => (running.get(holder) ?? Infinity) > atMost))
    throw new Error('the slots changed while a pick was made; it is made again');
  return takings
    .filter(({ holder }) => scopeOf(holder) === 'user' && (running.get(holder) ?? 0) >= userMaxConcurrent)
    .map(({ holder }) => idOf(holder));
}

/** Gives slots back. */
export async function free(tx: Tx, jobs: number, counts: ReadonlyMap<Holder, number>): Promise<void> {
  const holders = [...counts.keys()];
  await tx.query(
    `with house as (update slots set running = running - $1 where scope = 'house' returning 1)
     update slots s set running = s.running - n.jobs
     from unnest($2::text[], $3::int4[], $4::int4[]) as n(scope, subject, jobs), house where s.scope = n.scope and s.subject = n.subject`,
    [jobs, holders.map(scopeOf), holders.map(idOf), [...counts.values()]],
  );
}
