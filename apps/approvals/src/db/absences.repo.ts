import type { Reach } from '@lineclear/access';
import type { Queryable, Tx } from '@lineclear/kit';
import type { Absence } from '../domain/absence.js';
import type { AbsenceRow } from './absence.entity.js';

export type NewAbsence = Omit<Absence, 'id'>;

/** What somebody's mail says of them is kept once, as it says it last. */
export async function insertAbsence(tx: Tx, absence: NewAbsence): Promise<Absence> {
  const [row] = await tx.query<AbsenceRow>(
    `insert into absence (user_id, username, org_id, stand_in_id, stand_in, starts_at, ends_at, reason, source)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (user_id, source) where source <> 'own'
       do update set org_id = excluded.org_id, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
         reason = excluded.reason
     returning *`,
    [
      absence.userId,
      absence.username,
      absence.orgId,
      absence.standInId,
      absence.standIn,
      absence.startsAt,
      absence.endsAt,
      absence.reason,
      absence.source,
    ],
  );
  return absenceOf(row!);
}

/** Those that have not ended, of one person, of one organisation or of all, by when they begin. */
export async function listAbsences(
  db: Queryable,
  { userId, orgId }: Reach,
  now: Date,
  limit: number,
): Promise<Absence[]> {
  const rows = await db.query<AbsenceRow>(
    `select * from absence where ends_at > $1 and ($2::int is null or user_id = $2)
       and ($3::boolean or org_id is not distinct from $4::int)
     order by starts_at, id limit $5`,
    [now, userId ?? null, orgId === undefined, orgId ?? null, limit],
  );
  return rows.map(absenceOf);
}

/** Of these people those who are away now. */
export async function awayNow(db: Queryable, userIds: readonly number[], now: Date): Promise<Absence[]> {
  const rows = await db.query<AbsenceRow>(
    'select * from absence where user_id = any($1::int[]) and starts_at <= $2 and ends_at > $2 order by id',
    [userIds, now],
  );
  return rows.map(absenceOf);
}

/** For whom this person stands in now. */
export async function standsInFor(db: Queryable, userId: number, now: Date): Promise<number[]> {
  const rows = await db.query<Pick<AbsenceRow, 'user_id'>>(
    'select distinct user_id from absence where stand_in_id = $1 and starts_at <= $2 and ends_at > $2 order by user_id',
    [userId, now],
  );
  return rows.map((row) => row.user_id);
}

/** The absence that was removed; undefined where this person has none of the kind. */
export async function removeAbsence(tx: Tx, id: number, userId: number): Promise<Absence | undefined> {
  const [row] = await tx.query<AbsenceRow>('delete from absence where id = $1 and user_id = $2 returning *', [
    id,
    userId,
  ]);
  return row && absenceOf(row);
}

/** Who decides is there, whatever their mail said. */
export async function forgetWhatMailSaid(tx: Tx, userId: number): Promise<void> {
  await tx.query(`delete from absence where user_id = $1 and source = 'auto_reply'`, [userId]);
}

export async function forgetAbsences(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from absence where ends_at < $1', [before]);
}

const absenceOf = (row: AbsenceRow): Absence => ({
  id: row.id,
  userId: row.user_id,
  username: row.username,
  orgId: row.org_id,
  standInId: row.stand_in_id,
  standIn: row.stand_in,
  startsAt: row.starts_at,
  endsAt: row.ends_at,
  reason: row.reason,
  source: row.source,
});
