import { MAX_PREEMPTIONS } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';
import type { Attempt } from '../domain/job.js';
import type { Victim, Waits } from '../domain/preempt.js';
import type { Machine } from '../domain/pools.js';
import type { Runs } from '../domain/reservation.js';
import { BRANCH_READY, IN_LANE, LANE_READY, type Next } from './lanes.repo.js';

const HOLDS_SLOT = `state in ('dispatching', 'running', 'cancelling')`;

/** All that run, and when they are expected to end. */
export async function expectedEnds(db: Queryable): Promise<Runs[]> {
  return db.query<Runs>(
    `select provider, hardware, gpus,
       extract(epoch from coalesce(started_at, claimed_at) + estimated_duration_seconds * interval '1 second') * 1000 as "endsAtMs"
     from jobs where ${HOLDS_SLOT}`,
  );
}

/** Runs that may be stopped for others: of jobs whose owners said so, not too young, and not stopped too often. */
export async function victims(tx: Tx, startedBefore: Date): Promise<Victim[]> {
  const rows = await tx.query<Victim & { readonly attempts: Attempt[] }>(
    `select id, band, provider, hardware, gpus, extract(epoch from started_at) * 1000 as "startedAtMs", attempts
     from jobs where ${HOLDS_SLOT} and state = 'running' and preemptible and started_at <= $1`,
    [startedBefore],
  );
  return rows.filter(
    ({ attempts }) => attempts.filter(({ is_preempted }) => is_preempted).length < MAX_PREEMPTIONS,
  );
}

/** Runs on these machines, whoever may stop them. */
export async function runningOn(
  tx: Tx,
  isThere: (machine: Machine) => boolean,
): Promise<readonly { readonly id: string }[]> {
  const rows = await tx.query<Machine & { readonly id: string }>(
    `select id, provider, hardware, gpus from jobs where ${HOLDS_SLOT} and state = 'running'`,
  );
  return rows.filter(isThere);
}

/** Whether a run is being stopped for another job already. */
export async function isMakingRoom(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ so: boolean }>(
    `select exists (select from jobs where ${HOLDS_SLOT} and stopped_for is not null) as so`,
  );
  return row?.so ?? false;
}

// The first job of the branch that has waited longest, of the highest band, in any of these pools.
const firstOf = (order: string): string => `
  select j.id, j.user_id as "userId", j.team_id as "teamId", j.org_id as "orgId", j.level, j.band, l.pool, j.provider, j.hardware, j.gpus,
    j.estimated_cost_usd as usd, j.estimated_duration_seconds as seconds, (j.estimated_duration_seconds * j.gpus / 3600.0)::float8 as "gpuHours" from (
    select b.* from unnest($1::text[]) as p(pool) cross join lateral (
      select * from branches b where b.pool = p.pool and b.parent = -1 and ${BRANCH_READY} and oldest <= $2
      order by ${order} limit 1) b order by ${order} limit 1) o
  cross join lateral (
    select * from branches t where t.pool = o.pool and t.parent = o.place and t.band = o.band and ${BRANCH_READY}
    order by oldest limit 1) t
  cross join lateral (
    select * from lanes l where l.pool = t.pool and l.band = t.band and l.org_id = t.parent and l.team_id = t.place and ${LANE_READY}
    order by head_queued_at limit 1) l
  cross join lateral (select * from jobs j where ${IN_LANE} order by j.ord limit 1) j`;
export interface First extends Next, Waits {}
const OLDEST = firstOf('oldest');
const HIGHEST = firstOf('band desc, oldest');

/** Of the jobs that wait in these pools since before a time, and are at no ceiling of people, the one that waits longest. */
export async function oldestIn(tx: Tx, pools: readonly string[], since: Date): Promise<First | undefined> {
  return (await tx.query<First>(OLDEST, [pools, since]))[0];
}

/** And the one of the highest band. */
export async function highestIn(tx: Tx, pools: readonly string[], since: Date): Promise<First | undefined> {
  return (await tx.query<First>(HIGHEST, [pools, since]))[0];
}
