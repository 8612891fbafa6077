import type { Queryable, Tx } from '@lineclear/kit';
import type { Skip } from '../domain/skips.js';
import type { EventSkipsRow } from './event-skips.entity.js';

export interface NewSkips {
  readonly eventId: string;
  readonly eventType: string;
  readonly skips: readonly Skip[];
}

/** Stores those of events that have some; an event that comes again adds nothing. */
export async function insertSkips(tx: Tx, given: readonly NewSkips[]): Promise<void> {
  const some = given.filter(({ skips }) => skips.length > 0);
  if (some.length === 0) return;
  await tx.query(
    `insert into event_skips (event_id, event_type, skips)
     select id, type, skips::jsonb from unnest($1::uuid[], $2::text[], $3::text[]) as s(id, type, skips)
     on conflict (event_id) do nothing`,
    [
      some.map(({ eventId }) => eventId),
      some.map(({ eventType }) => eventType),
      some.map(({ skips }) => JSON.stringify(skips)),
    ],
  );
}

export async function findSkips(on: Queryable, eventId: string): Promise<EventSkipsRow | undefined> {
  const [row] = await on.query<EventSkipsRow>('select * from event_skips where event_id = $1', [eventId]);
  return row;
}

/** Forgets those of more than `days` ago, at most `limit` at a time; gives how many. */
export async function forgetOldSkips(on: Queryable, days: number, limit: number): Promise<number> {
  const rows = await on.query(
    `delete from event_skips where event_id in (
       select event_id from event_skips where heard_at < now() - $1 * interval '1 day' order by heard_at limit $2)
     returning 1`,
    [days, limit],
  );
  return rows.length;
}
