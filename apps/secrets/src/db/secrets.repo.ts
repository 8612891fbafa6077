import type { Level } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';
import type { Demanding } from '../domain/demands.js';

export interface SecretSummary {
  readonly name: string;
  readonly scope: string;
  readonly description: string | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly expires_at: Date | null;
  readonly approval_level: Level | null;
  readonly must_rotate_by: Date | null;
  readonly deleted_at: Date | null;
}

/** A secret's row, locked until the transaction ends. */
export interface LockedSecret {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly deleted_at: Date | null;
}

/** Takes the next version number of a secret, making the secret if there is none; one that was removed is there again. A value that nobody took in an emergency ends the deadline of one that was taken; one that was taken has its own. The row stays locked until the transaction ends. */
export async function takeVersion(
  tx: Tx,
  secret: {
    id: string;
    scope: string;
    name: string;
    description: string | null;
    expiresAt: Date | null;
    /** Of the new value. */
    fingerprint: Buffer;
    now: Date;
  },
): Promise<{ id: string; version: number; created_at: Date }> {
  const [row] = await tx.query<{ id: string; version: number; created_at: Date }>(
    `insert into secrets (id, scope, name, description, current_version, created_at, updated_at, expires_at, must_rotate_by)
       values ($1, $2, $3, $4, 1, $5, $5, $6,
         (select min(must_rotate_by) from glass_breaks g where g.scope = $2 and g.name = $3 and g.fingerprint = $7))
     on conflict (scope, name) do update set current_version = secrets.current_version + 1,
       description = coalesce(excluded.description, secrets.description), updated_at = excluded.updated_at,
       expires_at = excluded.expires_at, deleted_at = null, must_rotate_by = excluded.must_rotate_by,
       rotate_warn_at = case when excluded.must_rotate_by is not null then secrets.rotate_warn_at end
     returning id, current_version as version, created_at`,
    [
      secret.id,
      secret.scope,
      secret.name,
      secret.description,
      secret.now,
      secret.expiresAt,
      secret.fingerprint,
    ],
  );
  return row!;
}

const LOCKED = 'select id, scope, name, current_version as version, deleted_at from secrets';

export async function lockSecret(tx: Tx, scope: string, name: string): Promise<LockedSecret | undefined> {
  const [row] = await tx.query<LockedSecret>(`${LOCKED} where scope = $1 and name = $2 for update`, [
    scope,
    name,
  ]);
  return row;
}

/** All secrets of a scope whose names begin so, also removed ones. */
export const lockFolder = (tx: Tx, scope: string, prefix: string, limit: number): Promise<LockedSecret[]> =>
  tx.query(`${LOCKED} where scope = $1 and starts_with(name, $2) order by name limit $3 for update`, [
    scope,
    prefix,
    limit,
  ]);

export async function markRemoved(tx: Tx, id: string, now: Date | null): Promise<void> {
  await tx.query('update secrets set deleted_at = $2 where id = $1', [id, now]);
}

/** Removes a secret with all its versions, for good; its id, or undefined when there is none. */
export async function purgeSecret(tx: Tx, scope: string, name: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    'delete from secrets where scope = $1 and name = $2 returning id',
    [scope, name],
  );
  return row?.id;
}

/** Removes up to `limit` secrets for good that were removed before; which. */
export const purgeRemoved = (
  tx: Tx,
  before: Date,
  limit: number,
): Promise<{ scope: string; name: string }[]> =>
  tx.query(
    `delete from secrets where id in (select id from secrets where deleted_at < $1 limit $2 for update skip locked)
     returning scope, name`,
    [before, limit],
  );

/** Another name, also where it is noted that its value was taken in an emergency. */
export async function renameSecret(tx: Tx, id: string, to: string): Promise<void> {
  await tx.query(
    `update glass_breaks g set name = $2 from secrets s where s.id = $1 and g.scope = s.scope and g.name = s.name`,
    [id, to],
  );
  await tx.query('update secrets set name = $2 where id = $1', [id, to]);
}

const SUMMARY =
  'select name, scope, description, current_version as version, created_at, updated_at, expires_at, approval_level, must_rotate_by, deleted_at from secrets';

export async function findSecret(
  on: Queryable,
  scope: string,
  name: string,
): Promise<SecretSummary | undefined> {
  const [row] = await on.query<SecretSummary>(
    `${SUMMARY} where scope = $1 and name = $2 and deleted_at is null`,
    [scope, name],
  );
  return row;
}

/** Also of a secret that was removed and can be had back. */
export async function findSecretId(
  on: Queryable,
  scope: string,
  name: string,
): Promise<{ id: string; version: number } | undefined> {
  const [row] = await on.query<{ id: string; version: number }>(
    'select id, current_version as version from secrets where scope = $1 and name = $2',
    [scope, name],
  );
  return row;
}

/** Up to `limit` secrets of a scope by name, those after `after`; the removed ones instead where asked for. */
export const listSecrets = (
  on: Queryable,
  scope: string,
  { after, limit, removed }: { after: string; limit: number; removed: boolean },
): Promise<SecretSummary[]> =>
  on.query(
    `${SUMMARY} where scope = $1 and name > $2 and (deleted_at is not null) = $4 order by name limit $3`,
    [scope, after, limit, removed],
  );

export async function countSecrets(on: Queryable, scope: string, removed: boolean): Promise<number> {
  const [row] = await on.query<{ count: number }>(
    'select count(*) as count from secrets where scope = $1 and (deleted_at is not null) = $2',
    [scope, removed],
  );
  return row?.count ?? 0;
}

export interface Notice {
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly expires_at: Date | null;
  readonly updated_at: Date;
}

/** Up to `limit` secrets whose end comes before `before` and of which nobody was told; they count as told. */
export const takeExpiring = (tx: Tx, before: Date, limit: number): Promise<Notice[]> =>
  tx.query(
    `update secrets set told_expiring = expires_at where id in (
       select id from secrets where deleted_at is null and expires_at < $1 and told_expiring is distinct from expires_at
       limit $2 for update skip locked)
     returning id, scope, name, current_version as version, expires_at, updated_at`,
    [before, limit],
  );

/** The same for those whose current value is from before `before`. */
export const takeStale = (tx: Tx, before: Date, limit: number): Promise<Notice[]> =>
  tx.query(
    `update secrets set told_stale = current_version where id in (
       select id from secrets where deleted_at is null and updated_at < $1 and told_stale is distinct from current_version
       limit $2 for update skip locked)
     returning id, scope, name, current_version as version, expires_at, updated_at`,
    [before, limit],
  );

/** The same for those that were taken in an emergency and have no new value when half of the time for that is gone; they end then. */
export const takeUnrotated = (tx: Tx, now: Date, limit: number): Promise<Notice[]> =>
  tx.query(
    `update secrets set rotate_warn_at = null where id in (
       select id from secrets where deleted_at is null and rotate_warn_at <= $1 limit $2 for update skip locked)
     returning id, scope, name, current_version as version, must_rotate_by as expires_at, updated_at`,
    [now, limit],
  );

export async function describeSecret(tx: Tx, id: string, description: string): Promise<void> {
  await tx.query('update secrets set description = $2 where id = $1', [id, description]);
}

export type Settings = Pick<SecretSummary, 'description' | 'expires_at' | 'approval_level'>;

/** What is set for a secret beside its value; its row stays locked until the transaction ends. */
export async function lockSettings(tx: Tx, scope: string, name: string): Promise<Settings | undefined> {
  const [row] = await tx.query<Settings>(
    `select description, expires_at, approval_level from secrets
     where scope = $1 and name = $2 and deleted_at is null for update`,
    [scope, name],
  );
  return row;
}

export async function saveSettings(tx: Tx, scope: string, name: string, settings: Settings): Promise<void> {
  await tx.query(
    'update secrets set description = $3, expires_at = $4, approval_level = $5 where scope = $1 and name = $2',
    [scope, name, settings.description, settings.expires_at, settings.approval_level],
  );
}

/** The secrets of these names in these scopes, each with the level whose approval it takes. */
export const demandingOf = (
  on: Queryable,
  names: readonly string[],
  scopes: readonly string[],
): Promise<Demanding[]> =>
  on.query(
    `select name, scope, approval_level as level from secrets where scope = any($2) and name = any($1) and deleted_at is null
     union all
     select a.name, a.scope, s.approval_level from secret_aliases a join secret_shares h on h.id = a.share_id join secrets s on s.id = h.secret_id
     where a.scope = any($2) and a.name = any($1) and s.deleted_at is null`,
    [names, scopes],
  );
