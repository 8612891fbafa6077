import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { WrappedKey } from '../domain/kek.js';

export interface KeptKek {
  readonly id: string;
  readonly version: number;
  readonly rootId: string | null;
  readonly wrapped: Buffer | null;
  readonly checkValue: Buffer | null;
}

/** A sealed record as its columns are named. */
export interface SealedColumns {
  readonly kek_id: string;
  readonly wrapped_key: Buffer;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
}

export const recordOf = (row: SealedColumns): SealedRecord => ({
  kekId: row.kek_id,
  wrappedKey: row.wrapped_key,
  nonce: row.nonce,
  ciphertext: row.ciphertext,
});

const KEPT =
  'select id, version, root_id as "rootId", wrapped, check_value as "checkValue" from kek order by version';

export const listKeks = (on: Queryable): Promise<KeptKek[]> => on.query(KEPT);

export async function newestKek(on: Queryable): Promise<KeptKek | undefined> {
  const [row] = await on.query<KeptKek>(`${KEPT} desc limit 1`);
  return row;
}

/** Keeps a new key, which is the newest from now on; its version. */
export async function insertKek(on: Queryable, { id, rootId, wrapped }: WrappedKey): Promise<number> {
  const [row] = await on.query<{ version: number }>(
    `insert into kek (id, version, root_id, wrapped) select $1, coalesce(max(version), 0) + 1, $2, $3 from kek returning version`,
    [id, rootId, wrapped],
  );
  return row!.version;
}

export async function keepWrapped(on: Queryable, { id, rootId, wrapped }: WrappedKey): Promise<void> {
  await on.query('update kek set root_id = $2, wrapped = $3 where id = $1', [id, rootId, wrapped]);
}

/** Removes keys that nothing is wrapped with any more, but never the newest; their ids. */
export async function retireKeks(tx: Tx): Promise<{ id: string; version: number }[]> {
  return tx.query(
    `delete from kek k where version < (select max(version) from kek)
       and not exists (select from secret_versions v where v.kek_id = k.id)
       and not exists (select from sealing_keys s where s.kek_id = k.id)
       and not exists (select from vault_sessions s where s.kek_id = k.id)
       and not exists (select from vault_leases l where l.kek_id = k.id)
     returning id, version`,
  );
}

export interface KekUse {
  readonly id: string;
  readonly version: number;
  readonly root_id: string;
  readonly created_at: Date;
  readonly records: number;
}

/** The keys, newest first, and how many values each wraps. */
export const kekUses = (on: Queryable): Promise<KekUse[]> =>
  on.query(
    `select k.id, k.version, k.root_id, k.created_at,
       (select count(*) from secret_versions v where v.kek_id = k.id) as records
     from kek k order by k.version desc`,
  );

export async function findKeptKey(on: Queryable, id: string): Promise<SealedRecord | undefined> {
  const [row] = await on.query<SealedColumns>(
    'select kek_id, wrapped_key, nonce, ciphertext from sealing_keys where id = $1',
    [id],
  );
  return row && recordOf(row);
}

export async function keepKey(on: Queryable, id: string, record: SealedRecord): Promise<void> {
  const { kekId, wrappedKey, nonce, ciphertext } = record;
  await on.query(
    'insert into sealing_keys (id, kek_id, wrapped_key, nonce, ciphertext) values ($1, $2, $3, $4, $5) on conflict (id) do nothing',
    [id, kekId, wrappedKey, nonce, ciphertext],
  );
}

/** Puts a record in the place of the one that is kept. */
export async function replaceKeptKey(tx: Tx, id: string, record: SealedRecord): Promise<void> {
  const { kekId, wrappedKey, nonce, ciphertext } = record;
  await tx.query(
    'update sealing_keys set kek_id = $2, wrapped_key = $3, nonce = $4, ciphertext = $5 where id = $1',
    [id, kekId, wrappedKey, nonce, ciphertext],
  );
}
