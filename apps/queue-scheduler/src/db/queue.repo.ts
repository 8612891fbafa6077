import type { JobState, Level } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';

/** Beyond this place the queue is not counted out. */
const MAX_POSITION = 10_000;

export interface Entry {
  readonly id: string;
  readonly user_id: number;
  readonly username: string;
  readonly level: Level;
  readonly band: number;
  readonly provider: string;
  readonly config_name: string;
  readonly state: JobState;
  readonly queued_at: Date | null;
  readonly submitted_at: Date;
  readonly estimated_cost_usd: number;
  readonly position: number | null;
}

// `position` is the rank in the order of bands and age; users at their ceiling are passed over, so it is no promise.
const ENTRIES = `
  with place as (
    select id, row_number() over (order by band desc, ord) as position
    from (select id, band, ord from jobs where state = 'queued' order by band desc, ord limit ${MAX_POSITION}) q)
  select j.id, j.user_id, j.username, j.level, j.band, j.provider, j.config_name, j.state, j.queued_at, j.submitted_at,
    j.estimated_cost_usd, place.position
  from jobs j left join place using (id)
  where j.ended_at is null and ($1::int4 is null or j.user_id = $1)
  order by place.position nulls last, j.id limit $2`;

/** Jobs that have not ended, those in the queue first. */
export async function entries(db: Queryable, userId: number | undefined, limit: number): Promise<Entry[]> {
  return db.query<Entry>(ENTRIES, [userId ?? null, limit]);
}

/** How many jobs that have not ended are in which state. */
export async function countLive(db: Queryable, userId?: number): Promise<Map<JobState, number>> {
  const rows = await db.query<{ state: JobState; count: number }>(
    'select state, count(*) as count from jobs where ended_at is null and ($1::int4 is null or user_id = $1) group by state',
    [userId ?? null],
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}

export async function countByState(db: Queryable): Promise<Map<JobState, number>> {
  const rows = await db.query<{ state: JobState; count: number }>(
    'select state, count(*) as count from jobs group by state',
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}

export interface UserCount {
  readonly user_id: number;
  readonly username: string;
  readonly pending: number;
  readonly running: number;
}
export async function countByUser(db: Queryable, limit: number): Promise<UserCount[]> {
  return db.query<UserCount>(
    `select user_id, max(username) as username,
       count(*) filter (where state in ('queued', 'awaiting_evaluation', 'pending_approval')) as pending,
       count(*) filter (where state in ('dispatching', 'running', 'cancelling')) as running
     from jobs where ended_at is null group by user_id order by count(*) desc, user_id limit $1`,
    [limit],
  );
}

/** The mean time from queue to claim of the jobs claimed last, in seconds. */
export async function meanWaitSeconds(db: Queryable, since: Date): Promise<number> {
  const [row] = await db.query<{ seconds: number | null }>(
    `select avg(extract(epoch from claimed_at - queued_at))::float8 as seconds
     from (select claimed_at, queued_at from jobs where claimed_at > $1 order by id desc limit 1000) recent`,
    [since],
  );
  return row?.seconds ?? 0;
}
