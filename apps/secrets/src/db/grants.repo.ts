import type { Queryable, Tx } from '@lineclear/kit';
import type { SourceName } from '../domain/lookup.js';

export type GrantPurpose = 'run' | 'provider';

/** An attempt of a job, whose it is, and for what it asks. */
export interface GrantedTo {
  readonly jobId: string;
  readonly attempt: number;
  readonly purpose: GrantPurpose;
  readonly userId: number;
  readonly orgId: number | null;
}

export interface Grant {
  readonly name: string;
  readonly source: SourceName;
  readonly scope: string;
  readonly version: number | null;
}

export interface HeldGrant extends Grant {
  /** The version before a rotation that runs may go on with, where there is one. */
  readonly previous_version: number | null;
}

/** What this attempt was given before, of these names. */
export const heldBy = (on: Queryable, to: GrantedTo, names: readonly string[]): Promise<HeldGrant[]> =>
  on.query(
    `select g.name, g.source, g.scope, g.version, (select max(c.previous_version) from secrets s
            join provider_credentials c on c.secret_id = s.id where s.scope = g.scope and s.name = g.name) as previous_version
       from grants g where g.job_id = $1 and g.attempt = $2 and g.purpose = $3 and g.name = any($4)`,
    [to.jobId, to.attempt, to.purpose, names],
  );

/** Notes what an attempt is given; how many of it were not noted before. */
export async function addGrants(tx: Tx, to: GrantedTo, at: Date, grants: readonly Grant[]): Promise<number> {
  const rows = await tx.query(
    `insert into grants (job_id, attempt, purpose, granted_at, user_id, org_id, name, source, scope, version)
     select $1, $2::integer, $3, $4::timestamptz, $5::integer, $6::integer, g.* from unnest($7::text[], $8::text[], $9::text[], $10::integer[]) as g
     on conflict do nothing returning 1`,
    [
      to.jobId,
      to.attempt,
      to.purpose,
      at,
      to.userId,
      to.orgId,
      grants.map(({ name }) => name),
      grants.map(({ source }) => source),
      grants.map(({ scope }) => scope),
      grants.map(({ version }) => version),
    ],
  );
  return rows.length;
}

/** Notes that all attempts that have this go on with another version of it. */
export async function moveGrants(
  tx: Tx,
  purpose: GrantPurpose,
  { name, source, scope, version: from }: Grant,
  version: number | null,
): Promise<void> {
  await tx.query(
    `update grants set version = $6 where scope = $1 and name = $2 and ended_at is null and source = $3 and purpose = $4
        and version is not distinct from $5`,
    [scope, name, source, purpose, from, version],
  );
}

/** Ends what these jobs were given, and what is kept of a rotated credential for runs alone when none of them is left. */
export async function endGrants(tx: Tx, jobIds: readonly string[], at: Date): Promise<void> {
  const ended = await tx.query<{ scope: string; name: string }>(
    `update grants set ended_at = $2 where job_id = any($1) and ended_at is null returning scope, name`,
    [jobIds, at],
  );
  const own = ended.filter(({ scope }) => scope.startsWith('user:'));
  if (own.length === 0) return;
  await tx.query(
    `update provider_credentials c set previous_version = null from secrets s
      where s.id = c.secret_id and c.previous_version is not null
        and (s.scope, s.name) in (select * from unnest($1::text[], $2::text[]))
        and not exists (select 1 from grants g where g.scope = s.scope and g.name = s.name and g.version = c.previous_version
                          and g.purpose = 'provider' and g.ended_at is null)`,
    [own.map(({ scope }) => scope), own.map(({ name }) => name)],
  );
}

/** Whether a run that has not ended has this version as its provider's credential. */
export async function isHeld(on: Queryable, scope: string, name: string, version: number): Promise<boolean> {
  const rows = await on.query(
    `select 1 from grants where scope = $1 and name = $2 and version = $3 and purpose = 'provider' and ended_at is null limit 1`,
    [scope, name, version],
  );
  return rows.length > 0;
}

export interface NotedGrant extends Grant {
  readonly job_id: string;
  readonly attempt: number;
  readonly purpose: GrantPurpose;
  readonly user_id: number;
  readonly org_id: number | null;
  readonly granted_at: Date;
  readonly ended_at: Date | null;
}

const NOTED =
  'select job_id, attempt, purpose, name, source, scope, version, user_id, org_id, granted_at, ended_at from grants';

/** What all attempts of a job were given, in that order. */
export const grantsOf = (on: Queryable, jobId: string): Promise<NotedGrant[]> =>
  on.query(`${NOTED} where job_id = $1 order by id`, [jobId]);

/** Up to `limit` jobs that have a secret, by whichever name, and have not ended, those that have had it longest first; with how many there are. */
export async function holdersOf(
  on: Queryable,
  scope: string,
  name: string,
  limit: number,
): Promise<{ holders: NotedGrant[]; total: number }> {
  const where = `where ended_at is null and (scope, name) in (
    select $1, $2 union
    select a.scope, a.name from secrets s join secret_shares h on h.secret_id = s.id join secret_aliases a on a.share_id = h.id
     where s.scope = $1 and s.name = $2)`;
  const holders = await on.query<NotedGrant>(`${NOTED} ${where} order by id limit $3`, [scope, name, limit]);
  const [row] = await on.query<{ count: number }>(`select count(*) as count from grants ${where}`, [
    scope,
    name,
  ]);
  return { holders, total: row?.count ?? 0 };
}

/** How many jobs under way have a secret of a scope, or may still ask for it: whose claim names it, and which look in that scope. */
export async function countLiveJobs(on: Queryable, scope: string, name: string): Promise<number> {
  const [row] = await on.query<{ count: number }>(
    `select count(distinct job_id)::int as count from (
       select job_id from grants where scope = $1 and name = $2 and ended_at is null
       union all
       select job_id from claims where ended_at is null and $2 = any(names)
          and $1 in ('user:' || user_id, 'team:' || team_id, 'org:' || org_id, 'global')) jobs`,
    [scope, name],
  );
  return row?.count ?? 0;
}

/** Forgets up to `limit` that ended before; how many. */
export async function forgetGrants(on: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await on.query(
    'delete from grants where id in (select id from grants where ended_at < $1 order by ended_at limit $2) returning id',
    [before, limit],
  );
  return rows.length;
}
