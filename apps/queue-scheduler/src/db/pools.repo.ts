import type { Queryable, Tx } from '@lineclear/kit';
import type { Machine, Pool, PoolLimit } from '../domain/pools.js';

/** Parts of a select list: both, as JSON. They are small tables. */
export const POOLS = `(select coalesce(json_agg(json_build_object('provider', provider, 'hardware', hardware, 'gpus', gpus, 'running', running)), '[]') from pools) as pools,
  (select coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'atMost', at_most, 'isPaused', is_paused)), '[]') from pool_limits) as pool_limits`;

/** What runs and what waits, by kind of machine. */
export async function all(db: Queryable): Promise<(Pool & { readonly queued: number })[]> {
  return db.query(
    `select provider, hardware, gpus, running, coalesce((
       select sum(queued)::int4 from lanes where pool = provider || '/' || hardware || '/' || gpus::text), 0) as queued
     from pools order by provider, hardware, gpus`,
  );
}

export async function limits(db: Queryable): Promise<PoolLimit[]> {
  return db.query<PoolLimit>(
    `select kind, name, at_most as "atMost", is_paused as "isPaused" from pool_limits order by kind, name`,
  );
}

/** Says how much of a provider or a kind of machine may be taken at once; in a transaction that has entered. */
export async function setLimit(tx: Tx, { kind, name, atMost, isPaused }: PoolLimit): Promise<void> {
  if (atMost === null && !isPaused)
    await tx.query('delete from pool_limits where kind = $1 and name = $2', [kind, name]);
  else
    await tx.query(
      `insert into pool_limits (kind, name, at_most, is_paused) values ($1, $2, $3, $4)
       on conflict (kind, name) do update set at_most = excluded.at_most, is_paused = excluded.is_paused`,
      [kind, name, atMost, isPaused],
    );
}

/** So many more (or, below 0, fewer) jobs run on such machines, each named once; 0 says that there is such a pool. */
export async function change(tx: Tx, changes: readonly (Machine & { readonly by: number })[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `with n as (select * from unnest($1::text[], $2::text[], $3::int4[], $4::int4[]) as n(provider, hardware, gpus, by))
     insert into pools as p (provider, hardware, gpus, running)
     select provider, hardware, gpus, greatest(by, 0) from n order by 1, 2, 3
     on conflict (provider, hardware, gpus) do update set running = p.running + (
       select by from n where (n.provider, n.hardware, n.gpus) = (p.provider, p.hardware, p.gpus))`,
    [
      changes.map(({ provider }) => provider),
      changes.map(({ hardware }) => hardware),
      changes.map(({ gpus }) => gpus),
      changes.map(({ by }) => by),
    ],
  );
}
