import type { Queryable, Tx } from '@lineclear/kit';
import type { SourceName } from '../domain/lookup.js';

export type GrantPurpose = 'run' | 'provider';

/** An attempt of a job, and for what it asks. */
export interface GrantedTo {
  readonly jobId: string;
  readonly attempt: number;
  readonly purpose: GrantPurpose;
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
    `insert into grants (job_id, attempt, purpose, granted_at, name, source, scope, version)
     select $1, $2::integer, $3, $4::timestamptz, g.* from unnest($5::text[], $6::text[], $7::text[], $8::integer[]) as g
     on conflict do nothing returning 1`,
    [
      to.jobId,
      to.attempt,
      to.purpose,
      at,
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
