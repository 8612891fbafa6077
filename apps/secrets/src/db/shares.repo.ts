import type { Queryable, Tx } from '@lineclear/kit';
import type { Access } from '../domain/shares.js';

export interface Share {
  readonly id: number;
  readonly receiver: string;
  readonly access: Access;
  readonly expires_at: Date | null;
  readonly created_at: Date;
  readonly created_by: number;
}

export interface OfferedShare extends Share {
  readonly secret_id: string;
  /** The current one. */
  readonly version: number;
  readonly owner_scope: string;
  readonly owner_name: string;
  readonly description: string | null;
}

/** A name that a scope gave to what is shared with it, and which secret that is. */
export interface Alias {
  readonly scope: string;
  readonly name: string;
  readonly share_id: number;
}
export interface KnownAlias extends Alias {
  readonly secret_id: string;
  readonly owner_scope: string;
  readonly owner_name: string;
  readonly access: Access;
  readonly expires_at: Date | null;
}

/**
 * Where a name is looked for: at what a scope ($1) has itself, and at what is shared with it under a name of its own ($2 the
 * names). `known_as` is the name that was asked for, `shared_until` the end of the share.
 */
export const KNOWN = `(
  select s.id, s.name as known_as, null::timestamptz as shared_until from secrets s where s.scope = $1 and s.name = any($2)
  union all
  select h.secret_id, a.name, h.expires_at from secret_aliases a join secret_shares h on h.id = a.share_id
   where a.scope = $1 and a.name = any($2))`;

/** Keeps a scope from giving names to what is shared with it until the transaction ends, in which it gets a name of its own. */
export async function keepNames(tx: Tx, scope: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [scope]);
}

/** Waits for all who are about to give the scope a name of its own, and lets nobody else until the transaction ends. */
export async function takeNames(tx: Tx, scope: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [scope]);
}

export async function findAlias(on: Queryable, scope: string, name: string): Promise<KnownAlias | undefined> {
  const [alias] = await on.query<KnownAlias>(
    `select a.scope, a.name, a.share_id, s.id as secret_id, s.scope as owner_scope, s.name as owner_name, h.access, h.expires_at
     from secret_aliases a join secret_shares h on h.id = a.share_id join secrets s on s.id = h.secret_id
     where a.scope = $1 and a.name = $2`,
    [scope, name],
  );
  return alias;
}

export async function insertAlias(tx: Tx, alias: Alias, by: number, now: Date): Promise<void> {
  await tx.query(
    'insert into secret_aliases (scope, name, share_id, created_at, created_by) values ($1, $2, $3, $4, $5)',
    [alias.scope, alias.name, alias.share_id, now, by],
  );
}

/** Whether there was one. */
export async function dropAlias(tx: Tx, scope: string, name: string): Promise<boolean> {
  const rows = await tx.query('delete from secret_aliases where scope = $1 and name = $2 returning 1', [
    scope,
    name,
  ]);
  return rows.length > 0;
}

/** The names under which a secret is known to others. */
export const aliasesOf = (on: Queryable, secretId: string): Promise<Alias[]> =>
  on.query(
    `select a.scope, a.name, a.share_id from secret_aliases a join secret_shares h on h.id = a.share_id
     where h.secret_id = $1 order by a.scope, a.name`,
    [secretId],
  );

const SHARE = 'h.id, h.receiver, h.access, h.expires_at, h.created_at, h.created_by';

export const sharesOf = (on: Queryable, secretId: string): Promise<Share[]> =>
  on.query(`select ${SHARE} from secret_shares h where h.secret_id = $1 order by h.id`, [secretId]);

/** Makes a share, or sets another access and end for one that is there; its id. */
export async function putShare(
  tx: Tx,
  share: {
    secretId: string;
    receiver: string;
    access: Access;
    expiresAt: Date | null;
    by: number;
    now: Date;
  },
): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into secret_shares (secret_id, receiver, access, expires_at, created_at, created_by)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (secret_id, receiver) do update set access = excluded.access, expires_at = excluded.expires_at
     returning id`,
    [share.secretId, share.receiver, share.access, share.expiresAt, share.now, share.by],
  );
  return row!.id;
}

export async function dropShare(tx: Tx, secretId: string, id: number): Promise<boolean> {
  const rows = await tx.query('delete from secret_shares where secret_id = $1 and id = $2 returning 1', [
    secretId,
    id,
  ]);
  return rows.length > 0;
}

const OFFERED = `select ${SHARE}, s.id as secret_id, s.current_version as version, s.scope as owner_scope, s.name as owner_name, s.description
   from secret_shares h join secrets s on s.id = h.secret_id where s.deleted_at is null`;

/** A share of a secret that is there, locked until the transaction ends. */
export async function lockShare(tx: Tx, id: number): Promise<OfferedShare | undefined> {
  const [share] = await tx.query<OfferedShare>(`${OFFERED} and h.id = $1 for update of h`, [id]);
  return share;
}

/** Up to `limit` shares for these receivers, those after `after`, that have not ended and are not of these owners themselves. */
export const sharesFor = (
  on: Queryable,
  receivers: readonly string[],
  owners: readonly string[],
  now: Date,
  { after, limit }: { after: number; limit: number },
): Promise<OfferedShare[]> =>
  on.query(
    `${OFFERED} and h.receiver = any($1) and s.scope <> all($2) and (h.expires_at is null or h.expires_at > $3) and h.id > $4
     order by h.id limit $5`,
    [receivers, owners, now, after, limit],
  );

/** The names that these scopes gave to these shares. */
export const acceptedAs = (
  on: Queryable,
  shareIds: readonly number[],
  scopes: readonly string[],
): Promise<Alias[]> =>
  on.query(
    'select scope, name, share_id from secret_aliases where share_id = any($1) and scope = any($2) order by scope, name',
    [shareIds, scopes],
  );
