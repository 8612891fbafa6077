import type { Reach } from '@lineclear/access';
import type { JobState, Level } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';
import { hasRoom } from '../domain/choice.js';
import { poolHolds, poolsTaken, type Machine, type Pool, type PoolLimit } from '../domain/pools.js';
import { concerning, inTheWay, type Window } from '../domain/maintenance.js';
import type { Standing } from '../domain/waits-for.js';
import { IN_LANE } from './lanes.repo.js';
import { windowsAfter } from './maintenance.repo.js';
import { POOLS } from './pools.repo.js';

/** Condition on jobs: they are of those whom `$1` and `$2`, as `seen` gives them, stand for. */
const SEEN = '($1::int4 is null or user_id = $1) and ($2::int4 is null or coalesce(org_id, 0) = $2)';
const seen = ({ userId, orgId }: Reach): unknown[] => [
  userId ?? null,
  orgId === undefined ? null : (orgId ?? 0),
];

export interface Entry {
  readonly id: string;
  readonly user_id: number;
  readonly username: string;
  readonly level: Level;
  readonly band: number;
  readonly provider: string;
  readonly config_name: string;
  readonly state: JobState;
  readonly is_in_line: boolean;
  readonly queued_at: Date | null;
  readonly submitted_at: Date;
  readonly estimated_cost_usd: number;
}

const ENTRIES = `
  select j.id, j.user_id, j.username, j.level, j.band, j.provider, j.config_name, j.state, j.ord is not null as is_in_line, j.queued_at, j.submitted_at,
    j.estimated_cost_usd
  from jobs j left join unnest($4::text[]) with ordinality as first(id, place) on first.id = j.id and j.state = 'queued'
  where j.ended_at is null and ${SEEN} and ($5::text[] is null or j.state = any($5))
  order by first.place nulls last, j.state = 'queued' desc, j.band desc, j.ord nulls last, j.id limit $3`;

/** Jobs that have not ended, of all states or of these: those that start first, as a forecast has it, then others in the queue, then the rest. */
export async function entries(
  db: Queryable,
  reach: Reach,
  limit: number,
  first: readonly string[],
  states?: readonly JobState[],
): Promise<Entry[]> {
  return db.query<Entry>(ENTRIES, [...seen(reach), limit, first, states ?? null]);
}

const isFull = (scope: 'team' | 'org'): string =>
  `exists (select from branches b where b.is_full and b.place = l.${scope}_id and b.parent = ${scope === 'org' ? '-1' : 'l.org_id'}
    and b.band = l.band and b.pool = l.pool)`;
const STANDING = `
  select l.is_full as "isUserFull", l.held_until as "heldUntil", l.held_by as "heldBy",
    ${isFull('team')} as "isTeamFull", ${isFull('org')} as "isOrgFull", limits.is_paused as "isPaused",
    j.provider, j.hardware, j.gpus, j.estimated_duration_seconds as seconds, ${POOLS}, ${windowsAfter('$2::timestamptz')}
  from limits, jobs j join lanes l on ${IN_LANE}
  where j.id = $1`;
interface StandingRow
  extends Omit<Standing, 'position' | 'pausedPools' | 'fullPools' | 'maintenance'>, Machine {
  readonly seconds: number;
  readonly windows: readonly Window[];
  readonly pools: readonly Pool[];
  readonly pool_limits: readonly PoolLimit[];
}

/** What keeps a job; undefined when it is not in the queue. */
export async function standingOf(
  db: Queryable,
  jobId: string,
  now: Date,
): Promise<Omit<Standing, 'position'> | undefined> {
  const [row] = await db.query<StandingRow>(STANDING, [jobId, now]);
  if (!row) return undefined;
  const { pools, pool_limits: limits, windows, provider, hardware, gpus, seconds, ...standing } = row;
  const taken = poolsTaken(limits, pools);
  const machine = { provider, hardware, gpus };
  const window = inTheWay(concerning(windows, machine), seconds, now.getTime());
  const without = (some: readonly PoolLimit[]): string[] =>
    poolHolds(some, machine)
      .filter((hold) => !hasRoom({ holds: [hold] }, taken))
      .map(({ holder }) => holder);
  return {
    ...standing,
    maintenance: window ? { id: window.id, until: new Date(window.endsAtMs) } : null,
    pausedPools: without(limits.filter(({ isPaused }) => isPaused)),
    fullPools: without(limits.filter(({ isPaused }) => !isPaused)),
  };
}

/** How many jobs that have not ended are in which state. */
export async function countLive(db: Queryable, reach: Reach): Promise<Map<JobState, number>> {
  const rows = await db.query<{ state: JobState; count: number }>(
    `select state, count(*) as count from jobs where ended_at is null and ${SEEN} group by state`,
    seen(reach),
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}

export async function countByState(db: Queryable, reach: Reach = {}): Promise<Map<JobState, number>> {
  const rows = await db.query<{ state: JobState; count: number }>(
    `select state, count(*) as count from jobs where ${SEEN} group by state`,
    seen(reach),
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}

export interface UserCount {
  readonly user_id: number;
  readonly username: string;
  readonly pending: number;
  readonly running: number;
}
export async function countByUser(db: Queryable, reach: Reach, limit: number): Promise<UserCount[]> {
  return db.query<UserCount>(
    `select user_id, max(username) as username,
       count(*) filter (where state in ('queued', 'awaiting_evaluation', 'pending_approval')) as pending,
       count(*) filter (where state in ('dispatching', 'running', 'cancelling')) as running
     from jobs where ended_at is null and ${SEEN} group by user_id order by count(*) desc, user_id limit $3`,
    [...seen(reach), limit],
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
