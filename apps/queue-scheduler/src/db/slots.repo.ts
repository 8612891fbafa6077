import type { Queryable, Tx } from '@lineclear/kit';
import type { Taken } from '../domain/pick.js';
import { SOMEONE_WAITS } from './lanes.repo.js';

export interface Limits {
  readonly max_concurrent: number;
  readonly user_max_concurrent: number;
}

/**
 * The first statement of every transaction that stores or moves jobs: such transactions go one after the other, on all
 * replicas, so that a pick sees every slot as it is and nobody waits in a circle. They are batches of milliseconds.
 */
export async function enter(tx: Tx): Promise<void> {
  await tx.query('select from slots where user_id = 0 for update');
}

export async function limits(db: Queryable): Promise<Limits> {
  const [row] = await db.query<Limits>('select max_concurrent, user_max_concurrent from limits');
  if (!row) throw new Error('the table of limits is empty');
  return row;
}

/** What stands between new jobs and a slot. */
export interface Room {
  readonly limits: Limits;
  readonly taken: Taken;
  /** Someone is in the queue who is not at the ceiling. */
  readonly someoneWaits: boolean;
}
interface RoomRow extends Limits {
  readonly running: number;
  readonly by_user: Readonly<Record<string, number>>;
  readonly someone_waits: boolean;
}

/** How things stand for these users, in a transaction that has entered. */
export async function roomFor(tx: Tx, userIds: readonly number[]): Promise<Room> {
  const [row] = await tx.query<RoomRow>(
    `select max_concurrent, user_max_concurrent, running, ${SOMEONE_WAITS} as someone_waits,
       (select coalesce(json_object_agg(s.user_id, s.running), '{}') from slots s where s.user_id = any($1::int4[])) as by_user
     from limits, slots where user_id = 0`,
    [userIds],
  );
  if (!row) throw new Error('the table of limits is empty');
  const { max_concurrent, user_max_concurrent, running, by_user, someone_waits } = row;
  return {
    limits: { max_concurrent, user_max_concurrent },
    taken: {
      all: running,
      byUser: new Map(Object.entries(by_user).map(([id, held]) => [Number(id), held])),
    },
    someoneWaits: someone_waits,
  };
}

/** Changes the ceilings for every replica at once: no pick is under way, and lanes are marked anew. */
export async function setLimits(tx: Tx, wanted: Partial<Limits>): Promise<Limits> {
  await enter(tx);
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
 * Takes slots for jobs that are claimed; answers the users who are now at their ceiling. @throws when a ceiling would be exceeded: then nothing may be claimed.
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
