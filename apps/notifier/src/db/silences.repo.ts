import type { Queryable, Tx } from '@lineclear/kit';
import type { SilenceRow } from './silence.entity.js';

export type NewSilence = Pick<
  SilenceRow,
  'matchers' | 'reason' | 'starts_at' | 'ends_at' | 'created_by_id' | 'created_by'
>;

export async function insertSilence(tx: Tx, given: NewSilence): Promise<SilenceRow> {
  const [row] = await tx.query<SilenceRow>(
    `insert into silence (matchers, reason, starts_at, ends_at, created_by_id, created_by)
     values ($1::jsonb, $2, $3, $4, $5, $6) returning *`,
    [
      JSON.stringify(given.matchers),
      given.reason,
      given.starts_at,
      given.ends_at,
      given.created_by_id,
      given.created_by,
    ],
  );
  return row!;
}

export async function findSilence(on: Queryable, id: number): Promise<SilenceRow | undefined> {
  const [row] = await on.query<SilenceRow>('select * from silence where id = $1', [id]);
  return row;
}

/** Ends it now; undefined when it is not there, or has ended. One that has not begun never does. */
export async function endSilence(tx: Tx, id: number, by: string, now: Date): Promise<SilenceRow | undefined> {
  const [row] = await tx.query<SilenceRow>(
    `update silence set ends_at = $3, starts_at = least(starts_at, $3), ended_by = $2
     where id = $1 and ends_at > $3 returning *`,
    [id, by, now],
  );
  return row;
}

export async function listSilences(on: Queryable, limit: number, after: number): Promise<SilenceRow[]> {
  return on.query<SilenceRow>('select * from silence where id > $2 order by id limit $1', [limit, after]);
}

export async function countSilences(on: Queryable): Promise<number> {
  const [row] = await on.query<{ total: number }>('select count(*) as total from silence');
  return row?.total ?? 0;
}

/** Forgets those that ended more than `days` ago, at most `limit` at a time; gives how many. */
export async function forgetSilences(on: Queryable, days: number, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from silence where id in (
       select id from silence where ends_at < now() - $1 * interval '1 day' order by ends_at limit $2)
     returning 1`,
    [days, limit],
  );
  return rows.length;
}
