import type { Tx } from '@lineclear/kit';

/** A number of jobs of one user in one band. */
export interface LaneChange {
  readonly userId: number;
  readonly band: number;
  readonly jobs: number;
}

/** Part of a select list: whether someone is in the queue who is not at the ceiling. */
export const SOMEONE_WAITS = `exists (select from lanes where queued > 0 and not is_full)`;

export async function someoneWaits(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ waits: boolean }>(`select ${SOMEONE_WAITS} as waits`);
  return row?.waits ?? false;
}

const arrays = (changes: readonly LaneChange[]): unknown[] => [
  changes.map(({ userId }) => userId),
  changes.map(({ band }) => band),
  changes.map(({ jobs }) => jobs),
];

/** Jobs were queued: `headOrd` is the first one's place. */
export async function add(
  tx: Tx,
  given: readonly (LaneChange & { readonly headOrd: number })[],
): Promise<void> {
  if (given.length === 0) return;
  // Lanes are the last rows that a transaction locks, and always in this order.
  const changes = given.toSorted((a, b) => a.userId - b.userId || a.band - b.band);
  await tx.query(
    `insert into lanes (user_id, band, queued, head_ord)
     select user_id, band, queued, head_ord from unnest($1::int4[], $2::int2[], $3::int4[], $4::int8[]) as n(user_id, band, queued, head_ord)
     on conflict (user_id, band) do update set queued = lanes.queued + excluded.queued,
       head_ord = case when lanes.queued = 0 then excluded.head_ord else least(lanes.head_ord, excluded.head_ord) end`,
    [...arrays(changes), changes.map(({ headOrd }) => headOrd)],
  );
}

/** Jobs left the queue (that is written already): the heads of their lanes are read anew. */
export async function remove(tx: Tx, given: readonly LaneChange[]): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `with held as (
       select l.user_id, l.band, n.jobs from unnest($1::int4[], $2::int2[], $3::int4[]) as n(user_id, band, jobs)
       join lanes l using (user_id, band) order by l.user_id, l.band for update of l)
     update lanes l set queued = l.queued - held.jobs, head_ord = coalesce((
       select j.ord from jobs j where j.user_id = l.user_id and j.band = l.band and j.state = 'queued' order by j.ord limit 1), l.head_ord)
     from held where l.user_id = held.user_id and l.band = held.band`,
    arrays(given),
  );
}

/**
 * Marks all lanes of these users as to be passed over, or not. Whoever calls has entered, so nobody else is marking
 * them; lanes that are new and unmarked are marked when a pick stumbles over them.
 */
export async function markFull(tx: Tx, userIds: readonly number[], isFull: boolean): Promise<void> {
  if (userIds.length === 0) return;
  await tx.query(
    `with held as (select user_id, band from lanes where user_id = any($1::int4[]) order by user_id, band for update)
     update lanes l set is_full = $2 from held where l.user_id = held.user_id and l.band = held.band`,
    [userIds, isFull],
  );
}
