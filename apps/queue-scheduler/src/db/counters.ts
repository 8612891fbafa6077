import { startOf } from '../domain/period.js';
import { POOL_OF_JOB } from './lanes.repo.js';

/**
 * Figures that are kept beside the jobs, because counting them anew for each decision would take too long. Each says how they
 * are counted from the jobs: `kept` and `counted` in one row for each of whom it counts, under a name (`of`).
 */
export interface Counter {
  /** As the metric and the answers name it. */
  readonly what: string;
  /** Common table expressions, the last of which is `diff(of, kept, counted, …)`: where the two are not the same. $1 is since when figures matter (`sinceOf`). */
  readonly diff: string;
  /** A statement that writes what `diff` counted. */
  readonly fix: string;
}

/** The beginning of the longest period that is not over: a week may have begun before the month did. */
export const sinceOf = (now: Date): Date =>
  new Date(Math.min(startOf('month', now).getTime(), startOf('week', now).getTime()));

const HOLDS_SLOT = `j.state in ('dispatching', 'running', 'cancelling')`;
const HOLDERS = `cross join lateral (values ('user', j.user_id), ('team', j.team_id), ('org', j.org_id)) h(scope, subject)`;

const slots: Counter = {
  what: 'slots',
  diff: `held as (select j.user_id, j.team_id, j.org_id from jobs j where j.ended_at is null and ${HOLDS_SLOT}),
    counted as (
      select h.scope, h.subject, count(*)::int4 as running from held j ${HOLDERS} where h.subject is not null group by 1, 2
      union all select 'house', 0, count(*)::int4 from held),
    diff as (
      select scope || ':' || subject as of, scope, subject, coalesce(c.running, 0) as running,
        jsonb_build_object('running', coalesce(s.running, 0)) as kept, jsonb_build_object('running', coalesce(c.running, 0)) as counted
      from slots s full join counted c using (scope, subject) where coalesce(s.running, 0) <> coalesce(c.running, 0))`,
  fix: `insert into slots (scope, subject, running) select scope, subject, running from diff
    on conflict (scope, subject) do update set running = excluded.running`,
};

const pools: Counter = {
  what: 'pools',
  diff: `counted as (
      select provider, hardware, gpus, count(*) filter (where ${HOLDS_SLOT})::int4 as running
      from jobs j where j.ended_at is null group by 1, 2, 3),
    diff as (
      select provider || '/' || hardware || '/' || gpus as of, provider, hardware, gpus, coalesce(c.running, 0) as running,
        jsonb_build_object('running', p.running) as kept, jsonb_build_object('running', coalesce(c.running, 0)) as counted
      from pools p full join counted c using (provider, hardware, gpus) where p.running is distinct from coalesce(c.running, 0))`,
  fix: `insert into pools (provider, hardware, gpus, running) select provider, hardware, gpus, running from diff
    on conflict (provider, hardware, gpus) do update set running = excluded.running`,
};

const LANE = 'user_id, team_id, org_id, band, pool';
const lanes: Counter = {
  what: 'lanes',
  diff: `waiting as (
      select user_id, coalesce(team_id, 0) as team_id, coalesce(org_id, 0) as org_id, band, ${POOL_OF_JOB} as pool, count(*)::int4 as queued,
        min(ord) as head_ord, (array_agg(queued_at order by ord))[1] as head_queued_at, (array_agg(level order by ord desc))[1] as level
      from jobs j where ord is not null group by 1, 2, 3, 4, 5),
    diff as (
      select concat_ws('/', 'user:' || user_id, 'team:' || team_id, 'org:' || org_id, 'band:' || band, 'pool:' || pool) as of,
        ${LANE}, coalesce(w.level, l.level) as level, coalesce(w.queued, 0) as queued,
        coalesce(w.head_ord, l.head_ord) as head_ord, coalesce(w.head_queued_at, l.head_queued_at) as head_queued_at,
        jsonb_build_object('queued', coalesce(l.queued, 0), 'head_ord', coalesce(l.head_ord, 0)) as kept,
        jsonb_build_object('queued', coalesce(w.queued, 0), 'head_ord', coalesce(w.head_ord, l.head_ord)) as counted
      from lanes l full join waiting w using (${LANE})
      where coalesce(l.queued, 0) <> coalesce(w.queued, 0) or l.head_ord <> w.head_ord)`,
  fix: `insert into lanes (${LANE}, level, queued, head_ord, head_queued_at, used)
    select ${LANE}, level, queued, head_ord, head_queued_at,
      coalesce((select used from shares where key = org_id || '/' || team_id || '/' || user_id), 0) from diff
    on conflict (${LANE}) do update set queued = excluded.queued, head_ord = excluded.head_ord, head_queued_at = excluded.head_queued_at`,
};

// Lanes come first: which branches there are follows from them. Since when the oldest waits is read anew with every repair.
const branches: Counter = {
  what: 'branches',
  diff: `ready as (select ${LANE}, queued > 0 and not is_full and held_until is null as may from lanes),
    teams as (
      select r.team_id as place, r.org_id as parent, r.band, r.pool, bool_or(r.may) as is_ready, r.org_id || '/' || r.team_id as key
      from ready r group by 1, 2, 3, 4),
    counted as (
      select * from teams union all
      select t.parent, -1, t.band, t.pool, bool_or(t.is_ready and not coalesce(b.is_full, false)), t.parent::text
      from teams t left join branches b using (place, parent, band, pool) group by 1, 2, 3, 4, 6),
    diff as (
      select concat_ws('/', case parent when -1 then 'org:' else 'team:' end || place, 'band:' || band, 'pool:' || pool) as of,
        place, parent, band, pool, coalesce(c.is_ready, false) as is_ready, coalesce(c.key, '') as key,
        jsonb_build_object('is_ready', coalesce(b.is_ready, false)) as kept, jsonb_build_object('is_ready', coalesce(c.is_ready, false)) as counted
      from branches b full join counted c using (place, parent, band, pool)
      where b.is_ready is distinct from coalesce(c.is_ready, false))`,
  fix: `insert into branches (place, parent, band, pool, used, is_ready)
    select place, parent, band, pool, coalesce((select used from shares where shares.key = diff.key), 0), is_ready from diff
    on conflict (place, parent, band, pool) do update set is_ready = excluded.is_ready`,
};

// As domain/usage.ts books it. Of what was before some jobs may be gone, and no quota looks at it. Jobs are
// booked one by one, and sums of fractions are not the same in every order.
const usage: Counter = {
  what: 'usage',
  diff: `recent as (
      select j.user_id, j.team_id, j.org_id, j.state, j.gpus, j.submitted_at, j.claimed_at, j.ended_at,
        j.estimated_duration_seconds, j.estimated_cost_usd, j.attempts
      from jobs j where j.ended_at is null or j.submitted_at >= $1 or j.ended_at >= $1),
    entries as (
      select j.user_id, j.team_id, j.org_id, date_trunc('hour', j.submitted_at, 'UTC') as hour, 1 as submitted, 0::numeric as usd, 0::numeric as gpu_seconds
      from recent j
      union all
      select j.user_id, j.team_id, j.org_id,
        case when ${HOLDS_SLOT} then date_trunc('hour', j.claimed_at, 'UTC') else 'infinity' end,
        0, j.estimated_cost_usd, j.gpus * j.estimated_duration_seconds
      from recent j where j.ended_at is null
      union all
      select j.user_id, j.team_id, j.org_id, date_trunc('hour', (a->>'claimed_at')::timestamptz, 'UTC'), 0, (a->>'cost_usd')::numeric,
        coalesce(greatest(0, extract(epoch from (a->>'ended_at')::timestamptz - (a->>'started_at')::timestamptz)) * (a->>'gpus')::int4, 0)
      from recent j cross join lateral json_array_elements(j.attempts) a),
    counted as (
      select h.scope, h.subject, j.hour, sum(j.submitted)::int4 as submitted, sum(j.usd) as usd, sum(j.gpu_seconds) as gpu_seconds
      from entries j ${HOLDERS} where h.subject is not null and j.hour >= $1 group by 1, 2, 3),
    kept as (select * from usage where hour >= $1),
    diff as (
      select scope || ':' || subject || '/' || case when hour = 'infinity' then 'waiting' else to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24') end as of,
        scope, subject, hour, coalesce(c.submitted, 0) as submitted, coalesce(c.usd, 0) as usd, coalesce(c.gpu_seconds, 0) as gpu_seconds,
        jsonb_build_object('submitted', coalesce(k.submitted, 0), 'usd', coalesce(k.usd, 0), 'gpu_seconds', coalesce(k.gpu_seconds, 0)) as kept,
        jsonb_build_object('submitted', coalesce(c.submitted, 0), 'usd', coalesce(c.usd, 0), 'gpu_seconds', coalesce(c.gpu_seconds, 0)) as counted
      from kept k full join counted c using (scope, subject, hour)
      where coalesce(k.submitted, 0) <> coalesce(c.submitted, 0)
        or abs(coalesce(k.usd, 0) - coalesce(c.usd, 0)) > 0.005 or abs(coalesce(k.gpu_seconds, 0) - coalesce(c.gpu_seconds, 0)) > 0.5)`,
  fix: `insert into usage (scope, subject, hour, submitted, usd, gpu_seconds)
    select scope, subject, hour, submitted, usd, gpu_seconds from diff
    on conflict (scope, subject, hour) do update set submitted = excluded.submitted, usd = excluded.usd, gpu_seconds = excluded.gpu_seconds`,
};

// As domain/provider-spend.ts books it.
const spend: Counter = {
  what: 'provider_spend',
  diff: `entries as (
      select j.provider, case when ${HOLDS_SLOT} then date_trunc('day', j.claimed_at, 'UTC') else 'infinity' end as day, j.estimated_cost_usd as usd
      from jobs j where j.ended_at is null
      union all
      select j.provider, date_trunc('day', (a->>'claimed_at')::timestamptz, 'UTC'), (a->>'cost_usd')::numeric
      from jobs j cross join lateral json_array_elements(j.attempts) a where j.ended_at is null or j.ended_at >= $1),
    counted as (select provider, day, sum(usd) as usd from entries where day >= $1 group by 1, 2),
    kept as (select * from provider_spend where day >= $1),
    diff as (
      select provider || '/' || case when day = 'infinity' then 'waiting' else to_char(day at time zone 'UTC', 'YYYY-MM-DD') end as of,
        provider, day, coalesce(c.usd, 0) as usd,
        jsonb_build_object('usd', coalesce(k.usd, 0)) as kept, jsonb_build_object('usd', coalesce(c.usd, 0)) as counted
      from kept k full join counted c using (provider, day) where abs(coalesce(k.usd, 0) - coalesce(c.usd, 0)) > 0.005)`,
  fix: `insert into provider_spend (provider, day, usd) select provider, day, usd from diff
    on conflict (provider, day) do update set usd = excluded.usd`,
};

/** All of them. Another one is an entry here, and a way to break it in test/recount.e2e.spec.ts. */
export const COUNTERS: readonly Counter[] = [slots, pools, lanes, branches, usage, spend];
