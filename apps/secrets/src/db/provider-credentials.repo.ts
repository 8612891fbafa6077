import type { Queryable, Tx } from '@lineclear/kit';

/** A person's credential of a provider, with what is told of its secret. */
export interface ProviderCredential {
  readonly id: number;
  readonly user_id: number;
  readonly provider: string;
  readonly secret_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: number;
  readonly previous_version: number | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly checked: 'valid' | 'refused' | null;
  readonly checked_version: number | null;
  readonly checked_at: Date | null;
}

const CREDENTIAL = `select c.id, c.user_id, c.provider, c.secret_id, s.name, s.description, s.current_version as version, c.previous_version,
    c.created_at, s.updated_at, s.expires_at, c.last_used_at, c.checked, c.checked_version, c.checked_at
  from provider_credentials c join secrets s on s.id = c.secret_id and s.deleted_at is null`;

export const credentialsOf = (on: Queryable, userId: number, limit: number): Promise<ProviderCredential[]> =>
  on.query(`${CREDENTIAL} where c.user_id = $1 order by c.provider, s.name limit $2`, [userId, limit]);

export async function findCredential(
  on: Queryable,
  userId: number,
  id: number,
): Promise<ProviderCredential | undefined> {
  const [row] = await on.query<ProviderCredential>(`${CREDENTIAL} where c.user_id = $1 and c.id = $2`, [
    userId,
    id,
  ]);
  return row;
}

/** Whether this person has such a credential already. */
export async function hasCredential(
  on: Queryable,
  { userId, provider, name }: { userId: number; provider: string; name: string },
): Promise<boolean> {
  const rows = await on.query(`${CREDENTIAL} where c.user_id = $1 and c.provider = $2 and s.name = $3`, [
    userId,
    provider,
    name,
  ]);
  return rows.length > 0;
}

export async function countCredentials(on: Queryable, userId: number): Promise<number> {
  const [row] = await on.query<{ count: number }>(
    'select count(*) as count from provider_credentials where user_id = $1',
    [userId],
  );
  return row?.count ?? 0;
}

/** Adds a credential, or takes up again the row of one whose secret was removed; its id. */
export async function addCredential(
  tx: Tx,
  { userId, provider, secretId, now }: { userId: number; provider: string; secretId: string; now: Date },
): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into provider_credentials (user_id, provider, secret_id, created_at) values ($1, $2, $3, $4)
     on conflict (secret_id, provider) do update set created_at = excluded.created_at, previous_version = null, checked = null,
       checked_version = null, checked_at = null, last_used_at = null
     returning id`,
    [userId, provider, secretId, now],
  );
  return row!.id;
}

/** The version that runs may go on with which were submitted with it; null for none. It counts for all providers of this secret. */
export async function keepPrevious(tx: Tx, secretId: string, version: number | null): Promise<void> {
  await tx.query('update provider_credentials set previous_version = $2 where secret_id = $1', [
    secretId,
    version,
  ]);
}

export async function noteCheck(
  on: Queryable,
  id: number,
  { outcome, version, at }: { outcome: 'valid' | 'refused'; version: number; at: Date },
): Promise<void> {
  await on.query(
    'update provider_credentials set checked = $2, checked_version = $3, checked_at = $4 where id = $1',
    [id, outcome, version, at],
  );
}

export async function dropCredential(tx: Tx, id: number): Promise<void> {
  await tx.query('delete from provider_credentials where id = $1', [id]);
}

/** Notes that one was used, to the minute. */
export async function noteUse(
  on: Queryable,
  scope: string,
  names: readonly string[],
  now: Date,
): Promise<void> {
  await on.query(
    `update provider_credentials c set last_used_at = $3 from secrets s
      where s.id = c.secret_id and s.scope = $1 and s.name = any($2)
        and (c.last_used_at is null or c.last_used_at < $3::timestamptz - interval '1 minute')`,
    [scope, names, now],
  );
}

/** Whether a secret is somebody's credential of a provider. */
export async function isCredential(on: Queryable, secretId: string): Promise<boolean> {
  const rows = await on.query('select 1 from provider_credentials where secret_id = $1 limit 1', [secretId]);
  return rows.length > 0;
}
