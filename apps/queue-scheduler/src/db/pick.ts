import type { Tx } from '@lineclear/kit';
import type { Limits } from './slots.repo.js';

export interface Picked {
  readonly limits: Limits;
  /** In the order in which they go. */
  readonly jobIds: string[];
  /** Users at their ceiling who have lanes that are not marked so. */
  readonly fullUserIds: number[];
  /** Whether another look may find more, with nothing having changed. */
  readonly more: boolean;
}

// From each lane that is not marked full, in the order of their heads, the jobs its user has room for; of those the
// first. Lanes that were not looked at begin after the last head that was, so nothing behind that head may go before
// they are looked at (next time). Marked lanes are not in the index: however many users are at their ceiling, none of
// them is looked at. A lane's head may be remembered as too early, never as too late; hence `place = 1`.
const PICK = `
  with house as (
    select max_concurrent, user_max_concurrent, greatest(0, least($1, max_concurrent - running)) as room
    from limits, slots where slots.user_id = 0),
  lane as materialized (
    select l.*, least(house.room, house.user_max_concurrent - coalesce((select running from slots s where s.user_id = l.user_id), 0)) as room
    from house cross join lateral (
      select user_id, band, head_ord from lanes where queued > 0 and not is_full order by band desc, head_ord limit house.room) l),
  last as (
    select band, head_ord from lane
    where (select count(*) from lane) >= (select room from house) order by band, head_ord desc limit 1),
  waiting as (
    select lane.user_id, lane.band, lane.room, j.id, j.ord,
      row_number() over (partition by lane.user_id order by lane.band desc, j.ord) as nth
    from lane left join lateral (
      select id, ord from jobs where user_id = lane.user_id and band = lane.band and state = 'queued'
      order by ord limit greatest(lane.room, 0)) j on true),
  placed as (
    select waiting.*, row_number() over (order by id is null, band desc, ord) as place
    from waiting where room <= 0 or (id is not null and nth <= room)),
  first as (
    select placed.* from placed left join last on true
    where id is null or place = 1 or last.band is null or placed.band > last.band
      or (placed.band = last.band and placed.ord <= last.head_ord))
  select house.max_concurrent, house.user_max_concurrent, house.room, (select count(*)::int4 from lane) as lanes, first.id, first.user_id
  from house left join first on first.id is null or first.place <= house.room order by first.place`;

interface Row extends Limits {
  readonly room: number;
  readonly lanes: number;
  readonly id: string | null;
  readonly user_id: number | null;
}

/** Who goes next, at most so many: the policy of domain/pick.ts, at a cost that does not grow with the queue. */
export async function pick(tx: Tx, atMost: number): Promise<Picked> {
  const rows = await tx.query<Row>(PICK, [atMost]);
  const [first] = rows;
  if (!first) throw new Error('the table of limits is empty');
  const jobIds = rows.flatMap(({ id }) => (id === null ? [] : [id]));
  const fullUserIds = rows.flatMap(({ id, user_id }) => (id === null && user_id !== null ? [user_id] : []));
  return {
    limits: { max_concurrent: first.max_concurrent, user_max_concurrent: first.user_max_concurrent },
    jobIds,
    fullUserIds: [...new Set(fullUserIds)],
    more:
      jobIds.length === atMost ||
      fullUserIds.length > 0 ||
      (jobIds.length > 0 && jobIds.length < first.room && first.lanes >= first.room),
  };
}
