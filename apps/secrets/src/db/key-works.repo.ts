import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { SealedColumns } from './keys.repo.js';

/** `rewrap` wraps the data keys anew, `reencrypt` the values too. */
export const KEY_WORKS = ['rewrap', 'reencrypt'] as const;
export type KeyWorkKind = (typeof KEY_WORKS)[number];

export interface KeyWork {
  readonly id: number;
  readonly kind: KeyWorkKind;
  readonly started_at: Date;
  readonly started_by: number | null;
  readonly ended_at: Date | null;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly after_secret: string | null;
  readonly after_version: number | null;
}

// Every replica takes the same number; unlock.ts holds the one before.
const START_LOCK = 5_326_002;

/** Begins a work; undefined while another one is under way. */
export async function startWork(
  tx: Tx,
  { kind, now, byUserId }: { kind: KeyWorkKind; now: Date; byUserId: number },
): Promise<KeyWork | undefined> {
  await tx.query('select pg_advisory_xact_lock($1)', [START_LOCK]);
  const [row] = await tx.query<KeyWork>(
    `insert into key_works (kind, started_at, started_by, total)
     select $1, $2, $3, (select count(*) from secret_versions)
     where not exists (select from key_works where ended_at is null) returning *`,
    [kind, now, byUserId],
  );
  return row;
}

/** The work that is under way, locked until the transaction ends; undefined where there is none, or another replica has it. */
export async function takeWork(tx: Tx): Promise<KeyWork | undefined> {
  const [row] = await tx.query<KeyWork>(
    'select * from key_works where ended_at is null for update skip locked limit 1',
  );
  return row;
}

export const latestWorks = (on: Queryable, limit: number): Promise<KeyWork[]> =>
  on.query('select * from key_works order by id desc limit $1', [limit]);

export interface StoredValue extends SealedColumns {
  readonly secret_id: string;
  readonly version: number;
  readonly scope: string;
  readonly name: string;
}

/** The next values after those that are done, locked; a work on wrapping leaves out what the newest key wraps already. */
export const nextValues = (
  tx: Tx,
  work: KeyWork,
  newestKekId: string,
  limit: number,
): Promise<StoredValue[]> =>
  tx.query(
    `select v.secret_id, v.version, s.scope, s.name, v.kek_id, v.wrapped_key, v.nonce, v.ciphertext
     from secret_versions v join secrets s on s.id = v.secret_id
     where (v.secret_id, v.version) > (coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid), coalesce($2, 0))
       and ($3 or v.kek_id <> $4)
     order by v.secret_id, v.version limit $5 for update of v`,
    [work.after_secret, work.after_version, work.kind === 'reencrypt', newestKekId, limit],
  );

/** Puts records in the place of those that were read. */
export async function replaceValues(
  tx: Tx,
  values: readonly { readonly secret_id: string; readonly version: number; readonly record: SealedRecord }[],
): Promise<void> {
  await tx.query(
    `update secret_versions v set kek_id = n.kek_id, wrapped_key = n.wrapped_key, nonce = n.nonce, ciphertext = n.ciphertext
     from unnest($1::uuid[], $2::integer[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[])
       as n (secret_id, version, kek_id, wrapped_key, nonce, ciphertext)
     where v.secret_id = n.secret_id and v.version = n.version and v.secret_id = any($1::uuid[])`,
    [
      values.map(({ secret_id }) => secret_id),
      values.map(({ version }) => version),
      values.map(({ record }) => record.kekId),
      values.map(({ record }) => record.wrappedKey),
      values.map(({ record }) => record.nonce),
      values.map(({ record }) => record.ciphertext),
    ],
  );
}

/** Notes how far a work has come. */
export async function noteProgress(
  tx: Tx,
  id: number,
  { done, failed, last }: { done: number; failed: number; last: StoredValue },
): Promise<void> {
  await tx.query(
    `update key_works set done = done + $2, failed = failed + $3, after_secret = $4, after_version = $5 where id = $1`,
    [id, done, failed, last.secret_id, last.version],
  );
}

export async function endWork(tx: Tx, id: number, now: Date): Promise<void> {
  await tx.query('update key_works set ended_at = $2 where id = $1', [id, now]);
}

/** Whether values are being sealed anew; none begins to be until the transaction ends. */
export async function isAtWork(tx: Tx): Promise<boolean> {
  await tx.query('lock table key_works in share mode');
  const rows = await tx.query('select 1 from key_works where ended_at is null limit 1');
  return rows.length > 0;
}
