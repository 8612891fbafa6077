import type { Queryable, Tx } from '@lineclear/kit';

export interface NewGlassBreak {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly fingerprint: Buffer;
  readonly reason: string;
  readonly byUser: number;
  readonly byName: string;
  readonly at: Date;
  readonly mustRotateBy: Date;
}

export async function insertGlassBreak(tx: Tx, one: NewGlassBreak): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into glass_breaks (scope, name, version, fingerprint, reason, by_user, by_name, at, must_rotate_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    [
      one.scope,
      one.name,
      one.version,
      one.fingerprint,
      one.reason,
      one.byUser,
      one.byName,
      one.at,
      one.mustRotateBy,
    ],
  );
  return row!.id;
}

/** Gives a secret its deadline, unless it has an earlier one; the one that it has then. */
export async function setDeadline(
  tx: Tx,
  secretId: string,
  { mustRotateBy, warnAt }: { mustRotateBy: Date; warnAt: Date },
): Promise<Date> {
  const [row] = await tx.query<{ must_rotate_by: Date }>(
    `update secrets set must_rotate_by = least(must_rotate_by, $2),
       rotate_warn_at = case when must_rotate_by is null then $3 else rotate_warn_at end
     where id = $1 returning must_rotate_by`,
    [secretId, mustRotateBy, warnAt],
  );
  return row!.must_rotate_by;
}

export interface GlassBreak {
  readonly id: number;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly reason: string;
  readonly by_user: number;
  readonly by_name: string;
  readonly at: Date;
  readonly must_rotate_by: Date;
  readonly reviewed_at: Date | null;
  readonly reviewed_by: number | null;
  readonly reviewer: string | null;
  readonly review_note: string | null;
  /** Whether the value that was seen is not the current one any more. */
  readonly rotated: boolean;
}

export interface GlassFilter {
  /** Undefined for all. */
  readonly scopes: readonly string[] | undefined;
  readonly unreviewed: boolean;
}

const WHERE = '($1::text[] is null or g.scope = any($1)) and (not $2 or g.reviewed_at is null)';

/** Up to `limit` openings before the one with the id `before`, newest first. */
export const listGlassBreaks = (
  on: Queryable,
  { scopes, unreviewed }: GlassFilter,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<GlassBreak[]> =>
  on.query(
    `select g.id, g.scope, g.name, g.version, g.reason, g.by_user, g.by_name, g.at, g.must_rotate_by, g.reviewed_at, g.reviewed_by,
       g.reviewer, g.review_note,
       case when v.version is null then true when v.fingerprint is null then v.version <> g.version
         else v.fingerprint <> g.fingerprint end as rotated
     from glass_breaks g left join secrets s on s.scope = g.scope and s.name = g.name and s.deleted_at is null
       left join secret_versions v on v.secret_id = s.id and v.version = s.current_version
     where ${WHERE} and ($3::bigint is null or g.id < $3) order by g.id desc limit $4`,
    [scopes ?? null, unreviewed, before ?? null, limit],
  );

export async function countGlassBreaks(on: Queryable, { scopes, unreviewed }: GlassFilter): Promise<number> {
  const [row] = await on.query<{ count: number }>(
    `select count(*) as count from glass_breaks g where ${WHERE}`,
    [scopes ?? null, unreviewed],
  );
  return row?.count ?? 0;
}

/** An opening, locked until the transaction ends. */
export async function lockGlassBreak(
  tx: Tx,
  id: number,
): Promise<Pick<GlassBreak, 'scope' | 'name' | 'by_user' | 'reviewed_at'> | undefined> {
  const [row] = await tx.query<Pick<GlassBreak, 'scope' | 'name' | 'by_user' | 'reviewed_at'>>(
    'select scope, name, by_user, reviewed_at from glass_breaks where id = $1 for update',
    [id],
  );
  return row;
}

export async function reviewGlassBreak(
  tx: Tx,
  id: number,
  { at, by, name, note }: { at: Date; by: number; name: string; note: string },
): Promise<void> {
  await tx.query(
    'update glass_breaks set reviewed_at = $2, reviewed_by = $3, reviewer = $4, review_note = $5 where id = $1',
    [id, at, by, name, note],
  );
}
