import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { SealedColumns } from './keys.repo.js';

export interface SecretSummary {
  readonly name: string;
  readonly scope: string;
  readonly description: string | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Takes the next version number of a secret, making the secret if there is none. Its row stays locked until the transaction ends. */
export async function takeVersion(
  tx: Tx,
  secret: { id: string; scope: string; name: string; description: string | null; now: Date },
): Promise<{ id: string; version: number }> {
  const [row] = await tx.query<{ id: string; version: number }>(
    `insert into secrets (id, scope, name, description, current_version, created_at, updated_at) values ($1, $2, $3, $4, 1, $5, $5)
     on conflict (scope, name) do update set current_version = secrets.current_version + 1,
       description = coalesce(excluded.description, secrets.description), updated_at = excluded.updated_at
     returning id, current_version as version`,
    [secret.id, secret.scope, secret.name, secret.description, secret.now],
  );
  if (!row) throw new Error('an upsert gave no row');
  return row;
}

export async function insertVersion(
  tx: Tx,
  at: { secretId: string; version: number; createdBy: number | null; now: Date },
  { kekId, wrappedKey, nonce, ciphertext }: SealedRecord,
): Promise<void> {
  await tx.query(
    `insert into secret_versions (secret_id, version, kek_id, wrapped_key, nonce, ciphertext, created_at, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [at.secretId, at.version, kekId, wrappedKey, nonce, ciphertext, at.now, at.createdBy],
  );
}

/** Removes a secret with all its versions; its id, or undefined when there is none. */
export async function deleteSecretRow(tx: Tx, scope: string, name: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    'delete from secrets where scope = $1 and name = $2 returning id',
    [scope, name],
  );
  return row?.id;
}

export interface StoredVersion extends SealedColumns {
  readonly id: string;
  readonly name: string;
  readonly version: number;
}

/** The current versions of these names, still encrypted. */
export const currentVersions = (
  on: Queryable,
  scope: string,
  names: readonly string[],
): Promise<StoredVersion[]> =>
  on.query(
    `select s.id, s.name, v.version, v.kek_id, v.wrapped_key, v.nonce, v.ciphertext
     from secrets s join secret_versions v on v.secret_id = s.id and v.version = s.current_version
     where s.scope = $1 and s.name = any($2)`,
    [scope, names],
  );

const SUMMARY =
  'select name, scope, description, current_version as version, created_at, updated_at from secrets';

export async function findSecret(
  on: Queryable,
  scope: string,
  name: string,
): Promise<SecretSummary | undefined> {
  const [row] = await on.query<SecretSummary>(`${SUMMARY} where scope = $1 and name = $2`, [scope, name]);
  return row;
}

/** Up to `limit` secrets of a scope by name, those after `after`. */
export const listSecrets = (
  on: Queryable,
  scope: string,
  after: string,
  limit: number,
): Promise<SecretSummary[]> =>
  on.query(`${SUMMARY} where scope = $1 and name > $2 order by name limit $3`, [scope, after, limit]);

export async function countSecrets(on: Queryable, scope: string): Promise<number> {
  const [row] = await on.query<{ count: number }>('select count(*) as count from secrets where scope = $1', [
    scope,
  ]);
  return row?.count ?? 0;
}
