import type { Tx } from '@lineclear/kit';
import {
  branchName,
  compareRanks,
  keysOf,
  laneName,
  type Choice,
  type Hold,
  type Place,
  type Rank,
  type Waiting,
} from '../domain/choice.js';
import { holdersOf, scopeOf } from '../domain/holders.js';
import type { LaneKey } from '../domain/queue-changes.js';
import { chargeOf } from '../domain/share.js';
import { BRANCH_READY, IN_LANE, LANE_READY, type Next } from './lanes.repo.js';

// Of a person's quotas the most particular one counts, and it blocks or it does not.
const PERSONAL_CEILING = `(
  select case when action = 'block' then limit_value end from quotas q
  where quota_type = 'concurrent_jobs' and limit_value is not null
    and ((scope = 'user' and subject = l.user_id::text) or (scope = 'level' and subject = l.level) or scope = 'global')
  order by array_position(array['user', 'level', 'global'], scope) limit 1)::int4`;
const ceilingOf = (scope: 'team' | 'org'): string => `case when $3 then (
  select limit_value from quotas q
  where scope = '${scope}' and subject = l.${scope}_id::text and quota_type = 'concurrent_jobs' and action = 'block')::int4 end`;
const runningOf = (scope: string): string =>
  `coalesce((select running from slots s where s.scope = '${scope}' and s.subject = l.${scope}_id), 0)`;
const nominalOf = (scope: string): string =>
  `case when $4 then (select nominal from slots s where s.scope = '${scope}' and s.subject = l.${scope}_id) end`;

/** What is looked up for a lane `l`. `$3`: there are quotas; `$4`: somebody has slots of his own; `$5`: as many as any user may have. */
const STANDING = `l.*, ${runningOf('user')} as user_running, least($5::int4, case when $3 then ${PERSONAL_CEILING} end) as user_at_most,
  case when $3 or $4 then ${runningOf('team')} end as team_running, ${ceilingOf('team')} as team_at_most, ${nominalOf('team')} as team_nominal,
  case when $3 or $4 then ${runningOf('org')} end as org_running, ${ceilingOf('org')} as org_at_most, ${nominalOf('org')} as org_nominal`;
const JOB = `j.id, j.ord, j.queued_at, j.estimated_cost_usd, j.estimated_duration_seconds, j.gpus`;
const share = (of: string): string =>
  `greatest(1, ceil($1::numeric / greatest(1, (select count(*) from ${of}))))::int4`;

// The beginning of the highest band in which someone may go where there is room ($2): of each branch as many children as its
// share of the room ($1), in the order of the policy. A lane whose user is at a ceiling has no jobs here, and is marked.
const FRONTIER = `
  with top as (
    select max(b.band) as band from unnest($2::text[]) as p(pool) cross join lateral (
      select band from branches b where b.pool = p.pool and b.parent = -1 and ${BRANCH_READY} order by band desc limit 1) b),
  orgs as materialized (
    select b.* from top, unnest($2::text[]) as p(pool) cross join lateral (
      select * from branches b where b.pool = p.pool and b.parent = -1 and b.band = top.band and ${BRANCH_READY}
      order by borrows, used, place limit $1) b),
  teams as materialized (
    select o.used as org_used, o.borrows as org_borrows, t.* from orgs o cross join lateral (
      select * from branches t where t.pool = o.pool and t.parent = o.place and t.band = o.band and ${BRANCH_READY}
      order by borrows, used, place limit ${share('orgs')}) t),
  ready as materialized (
    select t.org_used, t.org_borrows, t.used as team_used, t.borrows as team_borrows, l.* from teams t cross join lateral (
      select ${STANDING} from lanes l
      where l.pool = t.pool and l.band = t.band and l.org_id = t.parent and l.team_id = t.place and ${LANE_READY}
      order by used, head_ord limit ${share('teams')}) l)
  select l.*, ${JOB}, ${share('orgs')} as teams_each, ${share('teams')} as lanes_each, ${share('ready')} as jobs_each
  from ready l left join lateral (
    select * from jobs j where ${IN_LANE}
    order by j.ord limit greatest(0, least(l.user_at_most - l.user_running, ${share('ready')}))) j on true`;

// The job that waits longest of those that wait since before $6 and may go.
const OVERDUE = `
  select l.*, ${JOB} from (
    select b.* from unnest($2::text[]) as p(pool) cross join lateral (
      select * from branches b where b.pool = p.pool and b.parent = -1 and ${BRANCH_READY} and oldest <= $6
      order by oldest limit 1) b order by oldest limit least(1, $1)) o
  cross join lateral (
    select * from branches t where t.pool = o.pool and t.parent = o.place and t.band = o.band and ${BRANCH_READY}
    order by oldest limit 1) t
  cross join lateral (
    select ${STANDING} from lanes l
    where l.pool = t.pool and l.band = t.band and l.org_id = t.parent and l.team_id = t.place and ${LANE_READY}
    order by head_queued_at limit 1) l
  cross join lateral (
    select * from jobs j where ${IN_LANE} order by j.ord limit 1) j`;

export interface LaneRow {
  readonly pool: string;
  readonly band: number;
  readonly user_id: number;
  readonly team_id: number;
  readonly org_id: number;
  readonly level: string;
  readonly used: number;
  readonly head_ord: number;
  readonly user_running: number;
  readonly user_at_most: number;
  readonly team_running: number | null;
  readonly team_at_most: number | null;
  readonly team_nominal: number | null;
  readonly org_running: number | null;
  readonly org_at_most: number | null;
  readonly org_nominal: number | null;
}
export interface JobRow {
  readonly id: string;
  readonly ord: number;
  readonly queued_at: Date;
  readonly estimated_cost_usd: number;
  readonly estimated_duration_seconds: number;
  readonly gpus: number;
}
type Row = LaneRow & (JobRow | { readonly id: null });
export type FrontierRow = Row & {
  readonly org_used: number;
  readonly org_borrows: boolean;
  readonly team_used: number;
  readonly team_borrows: boolean;
  readonly teams_each: number;
  readonly lanes_each: number;
  readonly jobs_each: number;
};

const SECONDS_PER_HOUR = 3_600;
/** A queued job that may go, with its lane and what it costs. */
export interface Candidate extends Waiting, Next {}

/** What is asked of the queue. */
export interface Look {
  /** For how many there is room. */
  readonly room: number;
  /** Where. */
  readonly pools: readonly string[];
  readonly hasQuotas: boolean;
  readonly hasNominal: boolean;
  readonly userAtMost: number;
}
const parametersOf = ({ room, pools, hasQuotas, hasNominal, userAtMost }: Look): unknown[] => [
  room,
  pools,
  hasQuotas,
  hasNominal,
  userAtMost,
];

/** The beginning of the queue, as much of it as there is room for. */
export const frontier = (tx: Tx, look: Look): Promise<FrontierRow[]> =>
  tx.query<FrontierRow>(FRONTIER, parametersOf(look));

/** Of those that wait since before a time the one that waits longest. */
export async function overdue(tx: Tx, look: Look, since: Date): Promise<(LaneRow & JobRow) | undefined> {
  return (await tx.query<LaneRow & JobRow>(OVERDUE, [...parametersOf(look), since]))[0];
}

const someone = (id: number): number | null => (id === 0 ? null : id);
export const laneKey = ({ user_id, team_id, org_id, band, pool }: LaneRow): LaneKey => ({
  userId: user_id,
  teamId: someone(team_id),
  orgId: someone(org_id),
  band,
  pool,
});
const pathOf = ({ user_id, team_id, org_id }: LaneRow) => ({ user: user_id, team: team_id, org: org_id });

/** What was read, as the policy takes it. */
export function choiceOf(
  rows: readonly FrontierRow[],
  oldest: (LaneRow & JobRow) | undefined,
  room: number,
  poolHoldsOf: ReadonlyMap<string, readonly Hold[]>,
  poolTaken: ReadonlyMap<string, number>,
): Choice<Candidate> & { readonly overdue: Candidate | null } {
  const jobs = new Map<string, Candidate>();
  const taken = new Map(poolTaken);
  const used = new Map<string, number>();
  const nominal = new Map<string, number>();
  const cuts = new Cuts();
  const jobsOfLane = new Map<string, number>();
  const see = (row: LaneRow): void => {
    taken.set(`user:${row.user_id}`, row.user_running);
    taken.set(`team:${row.team_id}`, row.team_running ?? 0);
    taken.set(`org:${row.org_id}`, row.org_running ?? 0);
    if (row.team_nominal !== null) nominal.set(`team:${row.team_id}`, row.team_nominal);
    if (row.org_nominal !== null) nominal.set(`org:${row.org_id}`, row.org_nominal);
  };
  const candidateOf = (row: LaneRow & JobRow): Candidate => candidate(row, poolHoldsOf.get(row.pool) ?? []);
  const cutLanes = new Set<string>();
  const fullLanes: Place[] = [];
  for (const row of rows) {
    see(row);
    const [org, team, user] = keysOf(pathOf(row));
    used.set(org, row.org_used).set(team, row.team_used).set(user, row.used);
    cuts.add(
      branchName(row.band),
      row.pool,
      row.org_id,
      [Number(row.org_borrows), row.org_used, row.org_id],
      room,
    );
    cuts.add(
      branchName(row.band, org),
      row.pool,
      row.team_id,
      [Number(row.team_borrows), row.team_used, row.team_id],
      row.teams_each,
    );
    cuts.add(branchName(row.band, team), row.pool, row.user_id, [0, row.used, row.head_ord], row.lanes_each);
    if (row.id === null) {
      fullLanes.push({ ...pathOf(row), band: row.band, pool: row.pool });
      continue;
    }
    const job = candidateOf(row);
    jobs.set(job.id, job);
    const lane = laneName(job);
    jobsOfLane.set(lane, (jobsOfLane.get(lane) ?? 0) + 1);
    if ((jobsOfLane.get(lane) ?? 0) >= Math.min(row.jobs_each, row.user_at_most - row.user_running))
      cutLanes.add(lane);
  }
  if (oldest) see(oldest);
  const overdue = oldest ? (jobs.get(oldest.id) ?? candidateOf(oldest)) : null;
  return { jobs: [...jobs.values()], taken, used, nominal, cuts: cuts.known, fullLanes, cutLanes, overdue };
}

/** Below which rank children of branches may be missing: where as many were read as were asked for there may be more. */
class Cuts {
  readonly known = new Map<string, Rank>();
  readonly #seen = new Map<string, Set<number>>();

  add(branch: string, pool: string, child: number, rank: Rank, asked: number): void {
    const name = `${branch} ${pool}`;
    const seen = this.#seen.get(name) ?? new Set();
    this.#seen.set(name, seen.add(child));
    if (seen.size < asked) return;
    // Children come in the order of their ranks, so this is the last one; of several pools the first end counts.
    const so = this.known.get(branch);
    if (!so || compareRanks(rank, so) < 0) this.known.set(branch, rank);
  }
}

function candidate(row: LaneRow & JobRow, pool: readonly Hold[]): Candidate {
  const lane = laneKey(row);
  const ceilings = { user: row.user_at_most, team: row.team_at_most, org: row.org_at_most };
  const job = {
    estimatedCostUsd: row.estimated_cost_usd,
    estimatedDurationSeconds: row.estimated_duration_seconds,
    gpus: row.gpus,
  };
  return {
    ...lane,
    ...pathOf(row),
    id: row.id,
    ord: row.ord,
    queuedAtMs: row.queued_at.getTime(),
    charge: chargeOf(job),
    level: row.level,
    usd: job.estimatedCostUsd,
    seconds: job.estimatedDurationSeconds,
    gpuHours: (job.estimatedDurationSeconds * job.gpus) / SECONDS_PER_HOUR,
    holds: [
      ...holdersOf(lane).map((holder) => ({
        holder,
        takes: 1,
        atMost: ceilings[scopeOf(holder)] ?? Infinity,
      })),
      ...pool,
    ],
  };
}
