import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedColumns } from './keys.repo.js';

export async function insertLink(
  tx: Tx,
  link: {
    tokenSha256: string;
    secretId: string;
    version: number;
    createdBy: number;
    now: Date;
    expiresAt: Date;
  },
): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into secret_links (token_sha256, secret_id, version, created_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6) returning id`,
    [link.tokenSha256, link.secretId, link.version, link.createdBy, link.now, link.expiresAt],
  );
  return row!.id;
}

export interface OpenedLink extends SealedColumns {
  readonly id: number;
  readonly created_by: number;
  readonly secret_id: string;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
}

/** Takes the one use of a link: of all who bring its token, on any replica, one gets it. Not of a secret that was removed or has ended. */
export async function takeLink(tx: Tx, tokenSha256: string, now: Date): Promise<OpenedLink | undefined> {
  const [row] = await tx.query<OpenedLink>(
    `update secret_links l set opened_at = $2
     from secrets s join secret_versions v on v.secret_id = s.id
     where l.token_sha256 = $1 and l.opened_at is null and l.expires_at > $2
       and s.id = l.secret_id and v.version = l.version and s.deleted_at is null
       and (s.expires_at is null or s.expires_at > $2) and (s.must_rotate_by is null or s.must_rotate_by > $2)
     returning l.id, l.created_by, l.secret_id, s.scope, s.name, l.version, v.kek_id, v.wrapped_key, v.nonce, v.ciphertext`,
    [tokenSha256, now],
  );
  return row;
}

/** The link of a token, whatever became of it. */
export async function findLink(
  on: Queryable,
  tokenSha256: string,
): Promise<{ id: number; name: string; created_by: number; opened_at: Date | null } | undefined> {
  const [row] = await on.query<{ id: number; name: string; created_by: number; opened_at: Date | null }>(
    `select l.id, s.name, l.created_by, l.opened_at from secret_links l join secrets s on s.id = l.secret_id where l.token_sha256 = $1`,
    [tokenSha256],
  );
  return row;
}

/** Takes back a link that nobody has opened; false when there is none of this secret. */
export async function revokeLink(tx: Tx, secretId: string, id: number): Promise<boolean> {
  const rows = await tx.query(
    'delete from secret_links where id = $1 and secret_id = $2 and opened_at is null returning id',
    [id, secretId],
  );
  return rows.length > 0;
}

export interface LinkSummary {
  readonly id: number;
  readonly version: number;
  readonly created_by: number;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly opened_at: Date | null;
}

/** The latest links of a secret, newest first. */
export const listLinks = (on: Queryable, secretId: string, limit: number): Promise<LinkSummary[]> =>
  on.query(
    `select id, version, created_by, created_at, expires_at, opened_at from secret_links where secret_id = $1 order by id desc limit $2`,
    [secretId, limit],
  );
