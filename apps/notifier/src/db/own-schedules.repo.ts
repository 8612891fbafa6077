import type { Queryable, Tx } from '@lineclear/kit';
import type { OwnScheduleRow } from './own-schedule.entity.js';

export async function saveOwnSchedule(
  tx: Tx,
  { user_id, time_zone, quiet_hours }: Omit<OwnScheduleRow, 'updated_at'>,
): Promise<OwnScheduleRow> {
  const [row] = await tx.query<OwnScheduleRow>(
    `insert into own_schedule (user_id, time_zone, quiet_hours) values ($1, $2, $3::jsonb)
     on conflict (user_id) do update set time_zone = $2, quiet_hours = $3::jsonb, updated_at = clock_timestamp()
     returning *`,
    [user_id, time_zone, quiet_hours && JSON.stringify(quiet_hours)],
  );
  return row!;
}

export async function deleteOwnSchedule(tx: Tx, userId: number): Promise<boolean> {
  return (await tx.query('delete from own_schedule where user_id = $1 returning 1', [userId])).length > 0;
}

/** Of these people, of those who have one. */
export async function ownSchedulesOf(
  on: Queryable,
  people: readonly number[],
): Promise<ReadonlyMap<number, OwnScheduleRow>> {
  const rows = await on.query<OwnScheduleRow>('select * from own_schedule where user_id = any($1::int[])', [
    people,
  ]);
  return new Map(rows.map((row) => [row.user_id, row]));
}
