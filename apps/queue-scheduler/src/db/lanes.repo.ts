import type { Tx } from '@lineclear/kit';
import { idOf, scopeOf, type Holder, type HolderScope, type Whose } from '../domain/holders.js';

/** The jobs of one user in one band that count under the same team and organisation. */
export interface LaneKey extends Whose {
  readonly band: number;
}
/** A number of jobs of one lane. */
export interface LaneChange extends LaneKey {
  /** The level whose people the band is for. */
  readonly level: string;
  readonly jobs: number;
}

/** What `team_id` and `org_id` of a lane hold for jobs of none: null is no part of a key. */
export const NONE = 0;

// Quotas are looked at by what they are about, not by their lanes: however many lanes a team has, it fills up at once.
export const atCeiling = (scope: 'team' | 'org'): string =>
  `(select q.subject from quotas q left join slots s on s.scope = q.scope and s.subject::text = q.subject
    where q.scope = '${scope}' and q.quota_type = 'concurrent_jobs' and q.action = 'block' and coalesce(s.running, 0) >= q.limit_value)`;

/** Condition on lanes `l`: its first job could go, as far as is known, if there were a slot. `now` is the SQL for the time. */
export const MAY_GO = (now: string): string =>
  `l.queued > 0 and not l.is_full and (l.held_until is null or l.held_until <= ${now})
   and (l.team_id = ${NONE} or l.team_id::text not in ${atCeiling('team')})
   and (l.org_id = ${NONE} or l.org_id::text not in ${atCeiling('org')})`;

/** Part of a select list: whether someone is in the queue who could go if there were a slot. */
export const SOMEONE_WAITS = (now: string): string => `exists (select from lanes l where ${MAY_GO(now)})`;

export async function someoneWaits(tx: Tx, now: Date): Promise<boolean> {
  const [row] = await tx.query<{ waits: boolean }>(`select ${SOMEONE_WAITS('$1')} as waits`, [now]);
  return row?.waits ?? false;
}

const KEY = 'user_id, team_id, org_id, band';
const keyOf = (table: string): string =>
  `(${table}.user_id, ${table}.team_id, ${table}.org_id, ${table}.band)`;
const arrays = (changes: readonly LaneKey[]): unknown[] => [
  changes.map(({ userId }) => userId),
  changes.map(({ teamId }) => teamId ?? NONE),
  changes.map(({ orgId }) => orgId ?? NONE),
  changes.map(({ band }) => band),
];

/** Jobs were queued: `headOrd` is the first one's place. */
export async function add(
  tx: Tx,
  given: readonly (LaneChange & { readonly headOrd: number })[],
): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `insert into lanes (${KEY}, level, queued, head_ord)
     select ${KEY}, level, queued, head_ord
     from unnest($1::int4[], $2::int4[], $3::int4[], $4::int2[], $5::text[], $6::int4[], $7::int8[]) as n(${KEY}, level, queued, head_ord)
     order by ${KEY}
     on conflict (${KEY}) do update set queued = lanes.queued + excluded.queued, level = excluded.level,
       head_ord = case when lanes.queued = 0 then excluded.head_ord else least(lanes.head_ord, excluded.head_ord) end`,
    [
      ...arrays(given),
      given.map(({ level }) => level),
      given.map(({ jobs }) => jobs),
      given.map(({ headOrd }) => headOrd),
    ],
  );
}

/** Jobs left the queue (that is written already): the heads of their lanes are read anew. */
export async function remove(tx: Tx, given: readonly LaneChange[]): Promise<void> {
  if (given.length === 0) return;
  await tx.query(
    `with held as (
       select ${KEY}, n.jobs from unnest($1::int4[], $2::int4[], $3::int4[], $4::int2[], $5::int4[]) as n(${KEY}, jobs)
       join lanes l using (${KEY}) order by ${KEY} for update of l)
     update lanes l set queued = l.queued - held.jobs, head_ord = coalesce((
       select j.ord from jobs j where j.user_id = l.user_id and j.band = l.band and j.state = 'queued'
         and coalesce(j.team_id, 0) = l.team_id and coalesce(j.org_id, 0) = l.org_id order by j.ord limit 1), l.head_ord)
     from held where ${keyOf('l')} = ${keyOf('held')}`,
    [...arrays(given), given.map(({ jobs }) => jobs)],
  );
}

/**
 * Marks all lanes of these users as to be passed over, or not. Whoever calls has entered, so nobody else is marking
 * them; lanes that are new and unmarked are marked when a pick stumbles over them.
 */
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
    `update lanes l set is_full = true from unnest($1::int4[], $2::int4[], $3::int4[], $4::int2[]) as n(${KEY})
     where ${keyOf('l')} = ${keyOf('n')}`,
    arrays(full),
  );
}

/** Lanes whose first job must wait for a quota's next period, or for money to come back. */
export async function hold(tx: Tx, held: readonly (LaneKey & { readonly until: Date })[]): Promise<void> {
  if (held.length === 0) return;
  await tx.query(
    `update lanes l set held_until = n.until
     from unnest($1::int4[], $2::int4[], $3::int4[], $4::int2[], $5::timestamptz[]) as n(${KEY}, until)
     where ${keyOf('l')} = ${keyOf('n')}`,
    [...arrays(held), held.map(({ until }) => until)],
  );
}

/** Something of these was given back: what they are held for is looked at again. */
export async function release(tx: Tx, holders: readonly Holder[]): Promise<void> {
  const ids = (scope: HolderScope): number[] =>
    holders.filter((holder) => scopeOf(holder) === scope).map(idOf);
  await tx.query(
    `update lanes set held_until = null where held_until is not null
       and (user_id = any($1::int4[]) or team_id = any($2::int4[]) or org_id = any($3::int4[]))`,
    [ids('user'), ids('team'), ids('org')],
  );
}

/** Ceilings changed: every lane is looked at again. */
export async function reopenAll(tx: Tx): Promise<void> {
  await tx.query(
    'update lanes set is_full = false, held_until = null where is_full or held_until is not null',
  );
}
