import type { Queryable } from '@lineclear/kit';
import type { SealedColumns } from './keys.repo.js';

export interface CurrentVersion {
  readonly id: string;
  readonly version: number;
}
/** A version with all that is needed to open it. */
export interface WholeVersion extends CurrentVersion, SealedColumns {
  readonly scope: string;
  readonly name: string;
}

const SEALED = 'v.kek_id, v.wrapped_key, v.nonce, v.ciphertext';

/** Rises with every change of the store. */
export async function latestChange(on: Queryable): Promise<string> {
  const [row] = await on.query<{ id: string }>('select coalesce(max(id), 0)::text as id from secret_changes');
  return row!.id;
}

/** The current version of each secret that is there, those that were set last first. */
export const currentOfAll = (
  on: Queryable,
  limit: number,
): Promise<(CurrentVersion & { readonly name: string })[]> =>
  on.query(
    'select id, name, current_version as version from secrets where deleted_at is null order by updated_at desc, id limit $1',
    [limit],
  );

/** The current versions of these secrets, still encrypted. */
export const versionsOf = (on: Queryable, ids: readonly string[]): Promise<WholeVersion[]> =>
  on.query(
    `select s.id, s.scope, s.name, v.version, ${SEALED}
     from secrets s join secret_versions v on v.secret_id = s.id and v.version = s.current_version
     where s.id = any($1::uuid[])`,
    [ids],
  );

const WHOLE = `select s.id, s.scope, s.name, v.version, ${SEALED}
  from secret_versions v join secrets s on s.id = v.secret_id`;

/** Up to `limit` of all versions that are kept, also of removed secrets, in a fixed order: those after `after`. */
export const versionsAfter = (on: Queryable, after: CurrentVersion, limit: number): Promise<WholeVersion[]> =>
  on.query(
    `${WHOLE} where (v.secret_id, v.version) > ($1::uuid, $2::int) order by v.secret_id, v.version limit $3`,
    [after.id, after.version, limit],
  );

/** Any `count` of them. */
export const someVersions = (on: Queryable, count: number): Promise<WholeVersion[]> =>
  on.query(`${WHOLE} order by random() limit $1`, [count]);
