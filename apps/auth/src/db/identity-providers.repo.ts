import { Conflict, type Queryable, type Tx } from '@lineclear/kit';
import type { IdentityProvider } from '../domain/identity-provider.js';

type Stored = IdentityProvider & { readonly has_secret: boolean };

const PROVIDER = `select id, name, type, enabled, auto_create_users, default_level, level_mapping, config, 'api' as source,
  sealed_secret is not null as has_secret from identity_providers`;

export const all = (on: Queryable): Promise<Stored[]> => on.query<Stored>(`${PROVIDER} order by name`);

export async function byName(on: Queryable, name: string): Promise<Stored | undefined> {
  const [row] = await on.query<Stored>(`${PROVIDER} where name = $1`, [name]);
  return row;
}

export async function byId(on: Queryable, id: string): Promise<Stored | undefined> {
  const [row] = await on.query<Stored>(`${PROVIDER} where id = $1`, [id]);
  return row;
}

/** The same, held against other changes until the transaction ends. */
export async function lock(tx: Tx, name: string): Promise<Stored | undefined> {
  const [row] = await tx.query<Stored>(`${PROVIDER} where name = $1 for update`, [name]);
  return row;
}

export async function sealedSecretOf(on: Queryable, id: string): Promise<Buffer | undefined> {
  const [row] = await on.query<{ sealed_secret: Buffer | null }>(
    'select sealed_secret from identity_providers where id = $1',
    [id],
  );
  return row?.sealed_secret ?? undefined;
}

/** @throws Conflict for a name that is taken */
export async function insert(
  tx: Tx,
  provider: IdentityProvider,
  sealedSecret: Buffer | undefined,
  now: Date,
): Promise<void> {
  const rows = await tx.query(
    `insert into identity_providers (id, name, type, enabled, auto_create_users, default_level, level_mapping, config, sealed_secret, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict (name) do nothing returning id`,
    [...columnsOf(provider), sealedSecret ?? null, now],
  );
  if (rows.length === 0)
    throw new Conflict(`there is an identity provider ${JSON.stringify(provider.name)} already`);
}

/** Changes all but the secret, which stays unless there is a new one. */
export async function update(
  tx: Tx,
  provider: IdentityProvider,
  sealedSecret: Buffer | undefined,
  now: Date,
): Promise<void> {
  await tx.query(
    `update identity_providers set name = $2, type = $3, enabled = $4, auto_create_users = $5, default_level = $6,
       level_mapping = $7, config = $8, sealed_secret = coalesce($9, sealed_secret), updated_at = $10 where id = $1`,
    [...columnsOf(provider), sealedSecret ?? null, now],
  );
}

export async function remove(tx: Tx, id: string): Promise<void> {
  await tx.query('delete from identity_providers where id = $1', [id]);
}

const columnsOf = (provider: IdentityProvider): unknown[] => [
  provider.id,
  provider.name,
  provider.type,
  provider.enabled,
  provider.auto_create_users,
  provider.default_level,
  JSON.stringify(provider.level_mapping),
  JSON.stringify(provider.config),
];
