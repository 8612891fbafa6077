import type { Queryable, Tx } from '@lineclear/kit';
import type { KeyGrant } from '../domain/key-grant.js';

export interface ApiKeyRow {
  readonly id: number;
  readonly user_id: number;
  readonly name: string;
  readonly key_prefix: string;
  readonly scoped_permissions: readonly string[] | null;
  readonly allowed_cidrs: readonly string[] | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
  readonly made_by: number | null;
  readonly replaced_by: number | null;
}

const KEY = `id, user_id, name, key_prefix, scoped_permissions, allowed_cidrs, created_at, expires_at, last_used_at,
  made_by, replaced_by`;
// Neither revoked, nor replaced and by now ended: those are history. A key that just ended is one that its owner looks for.
const LISTED = 'revoked_at is null and (replaced_by is null or expires_at > $2)';

export interface NewApiKey {
  readonly userId: number;
  readonly name: string;
  readonly prefix: string;
  readonly tokenSha256: string;
  readonly grant: KeyGrant;
  readonly madeBy: number;
  readonly createdAt: Date;
}

export async function insert(tx: Tx, key: NewApiKey): Promise<ApiKeyRow> {
  const [row] = await tx.query<ApiKeyRow>(
    `insert into api_keys
       (user_id, name, key_prefix, token_sha256, scoped_permissions, allowed_cidrs, created_at, expires_at, made_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${KEY}`,
    [
      key.userId,
      key.name,
      key.prefix,
      key.tokenSha256,
      key.grant.scope,
      key.grant.allowedCidrs,
      key.createdAt,
      key.grant.expiresAt,
      key.madeBy,
    ],
  );
  return row!;
}

/** A person's keys that were neither revoked nor have ended as replaced ones, newest first. */
export async function page(
  on: Queryable,
  query: { readonly userId: number; readonly before: number; readonly limit: number },
  now: Date,
): Promise<{ readonly rows: readonly ApiKeyRow[]; readonly total: number }> {
  const [rows, counts] = await Promise.all([
    on.query<ApiKeyRow>(
      `select ${KEY} from api_keys where user_id = $1 and ${LISTED} and id < $3 order by id desc limit $4`,
      [query.userId, now, query.before, query.limit],
    ),
    on.query<{ total: number }>(`select count(*) as total from api_keys where user_id = $1 and ${LISTED}`, [
      query.userId,
      now,
    ]),
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

/** Notes what came in a key's place; it ends when the programs that still have it had their time. */
export async function replace(tx: Tx, id: number, by: number, expiresAt: Date): Promise<ApiKeyRow> {
  const [row] = await tx.query<ApiKeyRow>(
    `update api_keys set replaced_by = $2, expires_at = $3 where id = $1 returning ${KEY}`,
    [id, by, expiresAt],
  );
  return row!;
}

export interface ApiKeyPatch {
  readonly name?: string | undefined;
  /** null: from anywhere. */
  readonly allowedCidrs?: readonly string[] | null | undefined;
}

export async function update(tx: Tx, id: number, patch: ApiKeyPatch): Promise<ApiKeyRow> {
  const [row] = await tx.query<ApiKeyRow>(
    `update api_keys set name = coalesce($2, name), allowed_cidrs = case when $3 then $4::text[] else allowed_cidrs end
     where id = $1 returning ${KEY}`,
    [id, patch.name ?? null, patch.allowedCidrs !== undefined, patch.allowedCidrs ?? null],
  );
  return row!;
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
