import type { Queryable, Tx } from '@lineclear/kit';
import { KEEP_TO_INDEXES } from './keep-to-indexes.js';

export interface Limits {
  readonly max_concurrent: number;
  readonly user_max_concurrent: number;
}

// Whoever decides who goes next holds this lock, so that one replica does at a time.
const CLAIM_LOCK = 727_276;
// Whoever changes or holds users' slots holds the house's row first, so nobody waits in a circle.
const LOCK_HOUSE = 'select 1 from slots where user_id = 0 for update';

/** True when this transaction may decide who goes next; false when another replica is doing so. */
export async function tryLead(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ got: boolean }>(
    `select pg_try_advisory_xact_lock($1) as got, ${KEEP_TO_INDEXES}`,
    [CLAIM_LOCK],
  );
  return row?.got ?? false;
}

export async function limits(db: Queryable): Promise<Limits> {
  const [row] = await db.query<Limits>('select max_concurrent, user_max_concurrent from limits');
  if (!row) throw new Error('the table of limits is empty');
  return row;
}

/** Changes the ceilings for every replica at once: nobody decides meanwhile, and lanes are marked anew. */
export async function setLimits(tx: Tx, wanted: Partial<Limits>): Promise<Limits> {
  await tx.query('select pg_advisory_xact_lock($1)', [CLAIM_LOCK]);
  await tx.query(LOCK_HOUSE);
  const [row] = await tx.query<Limits>(
    `update limits set max_concurrent = coalesce($1, max_concurrent), user_max_concurrent = coalesce($2, user_max_concurrent)
     returning max_concurrent, user_max_concurrent`,
    [wanted.max_concurrent ?? null, wanted.user_max_concurrent ?? null],
  );
  if (!row) throw new Error('the table of limits is empty');
  await tx.query(
    `with n as (
       select l.user_id, l.band, coalesce(s.running, 0) >= $1 as is_full from lanes l left join slots s using (user_id)
       order by l.user_id, l.band for update of l)
     update lanes l set is_full = n.is_full from n where l.user_id = n.user_id and l.band = n.band and l.is_full <> n.is_full`,
    [row.user_max_concurrent],
  );
  return row;
}

/**
 * Takes slots for jobs that are claimed; answers the users who are now at their ceiling. The house's row is locked
 * before any user's, here and in `free`. @throws when a ceiling would be exceeded: then nothing may be claimed.
 */
export async function take(
  tx: Tx,
  byUser: ReadonlyMap<number, number>,
  { max_concurrent, user_max_concurrent }: Limits,
): Promise<number[]> {
  const total = [...byUser.values()].reduce((sum, jobs) => sum + jobs, 0);
  const rows = await tx.query<{ user_id: number; running: number }>(
    `with house as (update slots set running = running + $1 where user_id = 0 and running + $1 <= $2 returning 1)
     insert into slots (user_id, running)
     select n.user_id, n.jobs from unnest($3::int4[], $4::int4[]) as n(user_id, jobs), house order by n.user_id
     on conflict (user_id) do update set running = slots.running + excluded.running where slots.running + excluded.running <= $5
     returning user_id, running`,
    [total, max_concurrent, [...byUser.keys()], [...byUser.values()], user_max_concurrent],
  );
  if (rows.length !== byUser.size)
    throw new Error('the slots changed while a pick was made; it is made again');
  return rows.filter(({ running }) => running >= user_max_concurrent).map(({ user_id }) => user_id);
}

/** Gives slots back. */
export async function free(tx: Tx, byUser: ReadonlyMap<number, number>): Promise<void> {
  const total = [...byUser.values()].reduce((sum, jobs) => sum + jobs, 0);
  await tx.query(
    `with house as (update slots set running = running - $1 where user_id = 0 returning 1)
     update slots s set running = s.running - n.jobs from unnest($2::int4[], $3::int4[]) as n(user_id, jobs), house where s.user_id = n.user_id`,
    [total, [...byUser.keys()], [...byUser.values()]],
  );
}

/** Of these users those who are at their ceiling, kept there for this transaction. */
export async function lockFull(
  tx: Tx,
  userIds: readonly number[],
  { user_max_concurrent }: Limits,
): Promise<number[]> {
  await tx.query(LOCK_HOUSE);
  const rows = await tx.query<{ user_id: number }>(
    'select user_id from slots where user_id = any($1::int4[]) and running >= $2 order by user_id for update',
    [userIds, user_max_concurrent],
  );
  return rows.map(({ user_id }) => user_id);
}
