import type { Queryable, Tx } from '@lineclear/kit';

export interface ApiKeyRow {
  readonly id: number;
  readonly user_id: number;
  readonly name: string;
  readonly key_prefix: string;
  readonly scoped_permissions: readonly string[] | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

const KEY = 'id, user_id, name, key_prefix, scoped_permissions, created_at, expires_at, last_used_at';

export interface NewApiKey {
  readonly userId: number;
  readonly name: string;
  readonly prefix: string;
  readonly tokenSha256: string;
  readonly scope: readonly string[] | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

export async function insert(tx: Tx, key: NewApiKey): Promise<ApiKeyRow> {
  const [row] = await tx.query<ApiKeyRow>(
    `insert into api_keys (user_id, name, key_prefix, token_sha256, scoped_permissions, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7) returning ${KEY}`,
    [key.userId, key.name, key.prefix, key.tokenSha256, key.scope, key.createdAt, key.expiresAt],
  );
  return row!;
}

/** A person's keys that were not revoked, newest first. */
export async function page(
  on: Queryable,
  query: { readonly userId: number; readonly before: number; readonly limit: number },
): Promise<{ readonly rows: readonly ApiKeyRow[]; readonly total: number }> {
  const [rows, counts] = await Promise.all([
    on.query<ApiKeyRow>(
      `select ${KEY} from api_keys where user_id = $1 and revoked_at is null and id < $2 order by id desc limit $3`,
      [query.userId, query.before, query.limit],
    ),
    on.query<{ total: number }>(
      'select count(*) as total from api_keys where user_id = $1 and revoked_at is null',
      [query.userId],
    ),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

export async function lockLive(tx: Tx, id: number): Promise<ApiKeyRow | undefined> {
  const [row] = await tx.query<ApiKeyRow>(
    `select ${KEY} from api_keys where id = $1 and revoked_at is null for update`,
    [id],
  );
  return row;
}

export async function revoke(tx: Tx, id: number, now: Date): Promise<void> {
  await tx.query('update api_keys set revoked_at = $2 where id = $1', [id, now]);
}

export async function revokeAllOf(tx: Tx, userId: number, now: Date): Promise<void> {
  await tx.query('update api_keys set revoked_at = $2 where user_id = $1 and revoked_at is null', [
    userId,
    now,
  ]);
}

export async function used(on: Queryable, ids: readonly number[], now: Date): Promise<void> {
  await on.query(
    // As with sessions: many rows in no order, so it waits for none.
    `update api_keys set last_used_at = $2 where id in (select id from api_keys
       where id = any($1) and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute') for update skip locked)`,
    [ids, now],
  );
}
