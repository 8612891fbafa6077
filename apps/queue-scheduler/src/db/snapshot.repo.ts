import type { Quota } from '@lineclear/contracts';
import type { Database, Tx } from '@lineclear/kit';
import { keysOf, laneName } from '../domain/choice.js';
import type { Window } from '../domain/maintenance.js';
import type { PoolLimit } from '../domain/pools.js';
import { chargeOf } from '../domain/share.js';
import type { QueuedNow, RunningNow, Snapshot } from '../domain/snapshot.js';
import { IN_LANE } from './lanes.repo.js';
import { windowsAfter } from './maintenance.repo.js';
import { POLICY, policyOf, type Limits, type PolicyRow } from './slots.repo.js';

/** So many queued jobs are read, of each lane equally many, and so many that run. */
const MAX_ROWS = 10_000;

const HOUSE = `
  select max_concurrent, user_max_concurrent, decisions, ${POLICY},
    (select coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'atMost', at_most, 'isPaused', is_paused)), '[]') from pool_limits) as pool_limits,
    (select coalesce(json_agg(json_build_object('scope', scope, 'subject', subject, 'quota_type', quota_type, 'limit', limit_value::float8, 'action', action)), '[]')
     from quotas where quota_type = 'concurrent_jobs' and limit_value is not null) as quotas,
    (select coalesce(json_object_agg(scope || ':' || subject, nominal), '{}') from slots where nominal is not null) as nominal,
    ${windowsAfter('$1')}
  from limits`;
interface HouseRow extends Limits, PolicyRow {
  readonly decisions: number;
  readonly pool_limits: PoolLimit[];
  readonly quotas: Quota[];
  readonly windows: readonly Window[];
  readonly nominal: Record<string, number>;
}

const LIVE = `j.id, j.user_id as "userId", j.team_id as "teamId", j.org_id as "orgId", j.level, j.provider, j.hardware, j.gpus,
  j.estimated_cost_usd as "estimatedCostUsd", j.estimated_duration_seconds as "estimatedSeconds", j.max_runtime_seconds as "maxSeconds"`;
interface LiveRow extends Omit<RunningNow, 'charge' | 'claimedAtMs'> {
  readonly estimatedCostUsd: number;
}

const LANES = `select user_id as user, team_id as team, org_id as org, band, pool, queued from lanes where queued > 0
  order by band desc, used limit ${MAX_ROWS}`;
interface LaneRow {
  readonly user: number;
  readonly team: number;
  readonly org: number;
  readonly band: number;
  readonly pool: string;
  readonly queued: number;
}

const QUEUED = `select ${LIVE}, j.band, j.ord, j.queued_at, l.held_until
  from (select * from lanes where queued > 0 order by band desc, used limit ${MAX_ROWS}) l
  cross join lateral (select * from jobs j where ${IN_LANE} order by j.ord limit $1) j`;
interface QueuedRow extends LiveRow {
  readonly band: number;
  readonly ord: number;
  readonly queued_at: Date;
  readonly held_until: Date | null;
}

const RUNNING = `select ${LIVE}, j.claimed_at from jobs j
  where j.state in ('dispatching', 'running', 'cancelling') limit ${MAX_ROWS}`;
interface RunningRow extends LiveRow {
  readonly claimed_at: Date;
}

/** What a look ahead starts from: as it is at one moment, and nobody waits for the reader. */
export async function read(database: Database, now: Date): Promise<Snapshot> {
  return database.tx(async (tx) => {
    const isolated = tx.query('set transaction isolation level repeatable read, read only');
    const [, [house], lanes, running] = await Promise.all([
      isolated,
      tx.query<HouseRow>(HOUSE, [now]),
      tx.query<LaneRow>(LANES),
      tx.query<RunningRow>(RUNNING),
    ]);
    if (!house) throw new Error('the table of limits is empty');
    const each = evenly(
      lanes.map(({ queued }) => queued),
      MAX_ROWS,
    );
    const [queued, used] = await Promise.all([
      tx.query<QueuedRow>(QUEUED, [each]),
      usedBy(tx, [...lanes, ...running.map(pathOf)]),
    ]);
    const cutLanes = new Set(lanes.filter((lane) => lane.queued > each).map(laneName));
    return {
      atMs: now.getTime(),
      maxConcurrent: house.max_concurrent,
      userMaxConcurrent: house.user_max_concurrent,
      isPaused: house.is_paused,
      policy: policyOf(house),
      decisions: house.decisions,
      quotas: house.quotas,
      poolLimits: house.pool_limits,
      windows: house.windows,
      nominal: new Map(Object.entries(house.nominal)),
      used,
      queued: queued.map(queuedNow),
      running: running.map(({ claimed_at, ...row }) => ({
        ...liveOf(row),
        claimedAtMs: claimed_at.getTime(),
      })),
      cutLanes,
      isCut: cutLanes.size > 0 || lanes.length === MAX_ROWS,
    };
  });
}

const pathOf = ({ userId, teamId, orgId }: LiveRow) => ({ user: userId, team: teamId ?? 0, org: orgId ?? 0 });
const liveOf = <R extends LiveRow>({ estimatedCostUsd, ...row }: R) => ({
  ...row,
  charge: chargeOf({
    estimatedCostUsd,
    gpus: row.gpus,
    estimatedDurationSeconds: row.estimatedSeconds,
  }),
});
const queuedNow = ({ queued_at, held_until, ...row }: QueuedRow): QueuedNow => ({
  ...liveOf(row),
  queuedAtMs: queued_at.getTime(),
  heldUntilMs: held_until?.getTime() ?? null,
});

async function usedBy(
  tx: Tx,
  paths: readonly { readonly user: number; readonly team: number; readonly org: number }[],
): Promise<Map<string, number>> {
  const rows = await tx.query<{ key: string; used: number }>(
    'select key, used from shares where key = any($1::text[])',
    [[...new Set(paths.flatMap(keysOf))]],
  );
  return new Map(rows.map(({ key, used }) => [key, used]));
}

/** The largest number of which each may take as many as it has, so that all together take no more than there may be; at least 1. */
function evenly(wanted: readonly number[], atMost: number): number {
  let left = atMost;
  for (const [taken, one] of wanted.toSorted((a, b) => a - b).entries()) {
    const each = Math.floor(left / (wanted.length - taken));
    if (one > each) return Math.max(1, each);
    left -= one;
  }
  return atMost;
}
