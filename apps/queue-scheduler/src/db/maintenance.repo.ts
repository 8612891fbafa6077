import type { Queryable, Tx } from '@lineclear/kit';
import type { Window } from '../domain/maintenance.js';

/** A window, and what people are told of it. */
export interface Maintenance extends Window {
  readonly reason: string;
  /** What still runs when it begins is stopped, and goes back into the queue. */
  readonly stopsRuns: boolean;
}

const FIELDS = `'id', id, 'kind', kind, 'name', name, 'startsAtMs', extract(epoch from starts_at) * 1000, 'endsAtMs', extract(epoch from ends_at) * 1000`;

/** Part of a select list: windows that are open or to come, as JSON. It is a small table. */
export const windowsAfter = (now: string): string =>
  `(select coalesce(json_agg(json_build_object(${FIELDS})), '[]') from maintenance where ends_at > ${now}) as windows`;
/** Whether there are any. */
export const hasWindowsAfter = (now: string): string =>
  `exists (select from maintenance where ends_at > ${now}) as has_windows`;

/** Those that are open or to come, the first to begin first. */
export async function after(db: Queryable, now: Date): Promise<Maintenance[]> {
  const rows = await db.query<{ one: Maintenance }>(
    `select json_build_object(${FIELDS}, 'reason', reason, 'stopsRuns', stops_runs) as one
     from maintenance where ends_at > $1 order by starts_at, id`,
    [now],
  );
  return rows.map(({ one }) => one);
}

export async function add(tx: Tx, window: Omit<Maintenance, 'id'>): Promise<Maintenance> {
  const [row] = await tx.query<{ id: number }>(
    `insert into maintenance (kind, name, starts_at, ends_at, reason, stops_runs) values ($1, $2, $3, $4, $5, $6) returning id`,
    [
      window.kind,
      window.name,
      new Date(window.startsAtMs),
      new Date(window.endsAtMs),
      window.reason,
      window.stopsRuns,
    ],
  );
  return { ...window, id: row!.id };
}

/** True when there was one to take away. */
export async function remove(tx: Tx, id: number): Promise<boolean> {
  return (await tx.query('delete from maintenance where id = $1 returning id', [id])).length > 0;
}

/** Forgets those that are over. */
export async function purge(db: Queryable, before: Date): Promise<void> {
  await db.query('delete from maintenance where ends_at < $1', [before]);
}
