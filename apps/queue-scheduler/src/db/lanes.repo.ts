import type { Tx } from '@lineclear/kit';
import { idOf, scopeOf, type Holder } from '../domain/holders.js';
import type { Joining, LaneChange, LaneKey } from '../domain/queue-changes.js';
import type { Load } from '../domain/quotas.js';

/** What `team_id` and `org_id` of a lane hold for jobs of none: null is no part of a key. */
export const NONE = 0;

/** The pool of jobs `j`, as the index of jobs in lanes has it. */
export const POOL_OF_JOB = `(j.provider || '/' || j.hardware || '/' || j.gpus::text)`;
/** Condition on jobs `j` in the lane `l`. */
export const IN_LANE = `j.user_id = l.user_id and coalesce(j.team_id, 0) = l.team_id and coalesce(j.org_id, 0) = l.org_id
  and j.band = l.band and ${POOL_OF_JOB} = l.pool and j.ord is not null`;
/** Condition on lanes: its first job could go, as far as is known, if there were a slot and room above it. */
export const LANE_READY = 'queued > 0 and not is_full and held_until is null';
/** Condition on branches, likewise. */
export const BRANCH_READY = 'is_ready and not is_full';

/** Part of a select list: whether someone is in the queue who could go if there were a slot, and room where he wants to run. */
export const SOMEONE_WAITS = `exists (select from branches where parent = -1 and ${BRANCH_READY})`;

export async function someoneWaits(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ waits: boolean }>(`select ${SOMEONE_WAITS} as waits`);
  return row?.waits ?? false;
}

const KEY = 'user_id, team_id, org_id, band, pool';
const keyOf = (table: string): string =>
  `(${table}.user_id, ${table}.team_id, ${table}.org_id, ${table}.band, ${table}.pool)`;
const KEYS = '$1::int4[], $2::int4[], $3::int4[], $4::int2[], $5::text[]';
const arrays = (changes: readonly LaneKey[]): unknown[] => [
  changes.map(({ userId }) => userId),
  changes.map(({ teamId }) => teamId ?? NONE),
  changes.map(({ orgId }) => orgId ?? NONE),
  changes.map(({ band }) => band),
  changes.map(({ pool }) => pool),
];
const usedBy = (key: string): string => `coalesce((select used from shares where key = ${key}), 0)`;

/** Jobs were queued. What the head before was held for does not hold one that comes before it. */
export async function add(tx: Tx, given: readonly Joining[]): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `with n as (
       select * from unnest(${KEYS}, $6::text[], $7::int4[], $8::int8[], $9::timestamptz[]) as n(${KEY}, level, queued, head_ord, head_queued_at)),
     orgs as (
       insert into branches (place, parent, band, pool, used)
       select distinct org_id, -1, band, pool, ${usedBy('org_id::text')} from n order by 1, 3, 4 on conflict do nothing),
     teams as (
       insert into branches (place, parent, band, pool, used)
       select distinct team_id, org_id, band, pool, ${usedBy(`org_id || '/' || team_id`)} from n order by 1, 2, 3, 4 on conflict do nothing)
     insert into lanes (${KEY}, level, queued, head_ord, head_queued_at, used)
     select ${KEY}, level, queued, head_ord, head_queued_at, ${usedBy(`org_id || '/' || team_id || '/' || user_id`)}
     from n order by ${KEY}
     on conflict (${KEY}) do update set queued = lanes.queued + excluded.queued, level = excluded.level,
       head_queued_at = case when lanes.queued = 0 or excluded.head_ord < lanes.head_ord then excluded.head_queued_at else lanes.head_queued_at end,
       held_until = case when excluded.head_ord > lanes.head_ord then lanes.held_until end,
       head_ord = case when lanes.queued = 0 then excluded.head_ord else least(lanes.head_ord, excluded.head_ord) end`,
    [
      ...arrays(given),
      given.map(({ level }) => level),
      given.map(({ jobs }) => jobs),
      given.map(({ headOrd }) => headOrd),
      given.map(({ headQueuedAt }) => headQueuedAt),
    ],
  );
}

/** Jobs left the queue (that is written already): the heads of their lanes are read anew. What another head was held for does not hold this one. */
export async function remove(tx: Tx, given: readonly LaneChange[]): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `with held as (
       select ${KEY}, n.jobs from unnest(${KEYS}, $6::int4[]) as n(${KEY}, jobs)
       join lanes l using (${KEY}) order by ${KEY} for update of l),
     heads as (
       select l.*, j.ord, j.queued_at from held l left join lateral (
         select j.ord, j.queued_at from jobs j where ${IN_LANE} order by j.ord limit 1) j on true)
     update lanes l set queued = l.queued - heads.jobs, head_ord = coalesce(heads.ord, l.head_ord),
       head_queued_at = coalesce(heads.queued_at, l.head_queued_at),
       held_until = case when heads.ord = l.head_ord then l.held_until end
     from heads where ${keyOf('l')} = ${keyOf('heads')}`,
    [...arrays(given), given.map(({ jobs }) => jobs)],
  );
}

/** The order of jobs in these lanes changed: their heads are read anew. */
export const reread = (tx: Tx, given: readonly (LaneKey & { readonly level: string })[]): Promise<void> =>
  remove(tx, [...new Map(given.map((lane) => [nameOf(lane), { ...lane, jobs: 0 }])).values()]);
const nameOf = ({ userId, teamId, orgId, band, pool }: LaneKey): string =>
  [userId, teamId, orgId, band, pool].join(' ');

/** Marks all lanes of these users as to be passed over, or not; lanes that are new are marked when a pick stumbles over them. */
export async function markFull(tx: Tx, userIds: readonly number[], isFull: boolean): Promise<void> {
  if (userIds.length === 0) return;
  await tx.query('update lanes set is_full = $2 where user_id = any($1::int4[]) and is_full <> $2', [
    userIds,
    isFull,
  ]);
}

/** Marks lanes that a pick stumbled over: their user is at the ceiling of the lane's level, if not of others. */
export async function markLanesFull(tx: Tx, full: readonly LaneKey[]): Promise<void> {
  if (full.length === 0) return;
  await tx.query(
    `update lanes l set is_full = true from unnest(${KEYS}) as n(${KEY}) where ${keyOf('l')} = ${keyOf('n')}`,
    arrays(full),
  );
}

/** A lane whose first job must wait: for a quota's or a cost limit's next period, for money to come back, for machines. */
/** A job that no ceiling keeps, as what else may keep it sees it. */
export interface Next extends Load, LaneKey {
  readonly id: string;
  /** How long it is expected to take. */
  readonly seconds: number;
}
/** What keeps a lane back, and until when. */
export interface Keeper {
  readonly until: Date;
  /** The cost limit, the maintenance, or the job that machines are kept for; null for a quota. */
  readonly by: string | null;
}
export interface Held extends LaneKey, Keeper {}

export async function hold(tx: Tx, held: readonly Held[]): Promise<void> {
  if (held.length === 0) return;
  await tx.query(
    `update lanes l set held_until = n.until, held_by = n.by
     from unnest(${KEYS}, $6::timestamptz[], $7::text[]) as n(${KEY}, until, by) where ${keyOf('l')} = ${keyOf('n')}`,
    [...arrays(held), held.map(({ until }) => until), held.map(({ by }) => by)],
  );
}

/** The time that lanes were held until is over; answers whose they are. */
export async function releaseDue(tx: Tx, now: Date): Promise<number[]> {
  const rows = await tx.query<{ user_id: number }>(
    'update lanes set held_until = null where held_until <= $1 returning user_id',
    [now],
  );
  return rows.map(({ user_id }) => user_id);
}

/** Something of these was given back: what they are held for is looked at again. Answers whose lanes they were. */
export async function release(tx: Tx, holders: readonly Holder[]): Promise<number[]> {
  const ids = (scope: string): number[] => holders.filter((holder) => scopeOf(holder) === scope).map(idOf);
  const rows = await tx.query<{ user_id: number }>(
    `update lanes set held_until = null where held_until is not null
       and (user_id = any($1::int4[]) or team_id = any($2::int4[]) or org_id = any($3::int4[])) returning user_id`,
    [ids('user'), ids('team'), ids('org')],
  );
  return rows.map(({ user_id }) => user_id);
}

/** So much is left of cost limits: lanes that they hold, and whose first job costs no more, are looked at again. Answers whose they were. */
export async function releaseAffordable(
  tx: Tx,
  left: readonly { readonly by: string; readonly usd: number }[],
): Promise<number[]> {
  if (left.length === 0) return [];
  const rows = await tx.query<{ user_id: number }>(
    `update lanes l set held_until = null from unnest($1::text[], $2::numeric[]) as n(by, usd)
     where l.held_until is not null and l.held_by = n.by
       and n.usd >= (select j.estimated_cost_usd from jobs j where ${IN_LANE} order by j.ord limit 1)
     returning l.user_id`,
    [left.map(({ by }) => by), left.map(({ usd }) => usd)],
  );
  return rows.map(({ user_id }) => user_id);
}

// $1 is a list of what is touched; null for everything.
const TEAMS = `
  with touched as (select distinct pool, band, org_id, team_id from lanes where $1::int4[] is null or user_id = any($1::int4[])),
  now as (
    select t.*, o.oldest from touched t left join lateral (
      select head_queued_at as oldest from lanes l
      where l.pool = t.pool and l.band = t.band and l.org_id = t.org_id and l.team_id = t.team_id and ${LANE_READY}
      order by head_queued_at limit 1) o on true)
  update branches b set is_ready = now.oldest is not null, oldest = now.oldest from now
  where b.place = now.team_id and b.parent = now.org_id and b.band = now.band and b.pool = now.pool
    and (b.is_ready, b.oldest) is distinct from (now.oldest is not null, now.oldest)`;
const ORGS = `
  with touched as (
    select distinct pool, band, org_id from lanes where $1::int4[] is null or user_id = any($1::int4[])
    union select pool, band, parent from branches where parent <> -1 and place = any($2::int4[])),
  now as (
    select t.*, o.oldest from touched t left join lateral (
      select oldest from branches b where b.pool = t.pool and b.parent = t.org_id and b.band = t.band and ${BRANCH_READY}
      order by oldest limit 1) o on true)
  update branches b set is_ready = now.oldest is not null, oldest = now.oldest from now
  where b.place = now.org_id and b.parent = -1 and b.band = now.band and b.pool = now.pool
    and (b.is_ready, b.oldest) is distinct from (now.oldest is not null, now.oldest)`;

// A ceiling is reached, or what is one's own is used up.
const FLAGS = `
  with touched as (select * from unnest($1::text[], $2::int4[]) as n(scope, subject)),
  now as (
    select t.*, coalesce(s.running, 0) >= s.nominal as borrows,
      coalesce(s.running, 0) >= (select limit_value from quotas q where q.scope = t.scope and q.subject = t.subject::text
        and q.quota_type = 'concurrent_jobs' and q.action = 'block') as is_full
    from touched t left join slots s on s.scope = t.scope and s.subject = t.subject)
  update branches b set borrows = coalesce(now.borrows, false), is_full = coalesce(now.is_full, false) from now
  where b.place = now.subject and (b.parent = -1) = (now.scope = 'org')
    and (b.borrows, b.is_full) is distinct from (coalesce(now.borrows, false), coalesce(now.is_full, false))`;

/**
 * Brings the branches above lanes up to date, when everything else of a transaction is written: of these users' lanes, and
 * of orgs and teams whose slots changed or that may have new branches.
 */
export async function refresh(tx: Tx, userIds: readonly number[], holders: readonly Holder[]): Promise<void> {
  const groups = holders.filter((holder) => scopeOf(holder) !== 'user');
  if (userIds.length === 0 && groups.length === 0) return;
  const teams = groups.filter((holder) => scopeOf(holder) === 'team').map(idOf);
  await Promise.all([
    groups.length > 0 && tx.query(FLAGS, [groups.map(scopeOf), groups.map(idOf)]),
    userIds.length > 0 && tx.query(TEAMS, [userIds]),
    tx.query(ORGS, [userIds, teams]),
  ]);
}

/** Ceilings changed: every lane and branch is looked at again. */
export async function reopenAll(tx: Tx): Promise<void> {
  await tx.query(
    'update lanes set is_full = false, held_until = null where is_full or held_until is not null',
  );
  const [groups] = await tx.query<{ scopes: string[]; subjects: number[] }>(
    `select array_agg(scope) as scopes, array_agg(place) as subjects
     from (select distinct case when parent = -1 then 'org' else 'team' end as scope, place from branches where place <> ${NONE}) b`,
  );
  await tx.query(FLAGS, [groups?.scopes ?? [], groups?.subjects ?? []]);
  await tx.query(TEAMS, [null]);
  await tx.query(ORGS, [null, []]);
}
