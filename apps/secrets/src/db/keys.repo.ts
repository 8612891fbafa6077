import type { Queryable } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { Kek } from '../domain/kek.js';

export interface NotedKek {
  readonly id: string;
  readonly checkValue: Buffer;
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

export const listKeks = (on: Queryable): Promise<NotedKek[]> =>
  on.query('select id, check_value as "checkValue" from kek order by created_at');

export async function noteKek(on: Queryable, kek: Kek): Promise<void> {
  await on.query('insert into kek (id, check_value) values ($1, $2)', [kek.id, kek.checkValue]);
}

export async function findSealingKey(on: Queryable, id: string): Promise<SealedRecord | undefined> {
  const [row] = await on.query<SealedColumns>(
    'select kek_id, wrapped_key, nonce, ciphertext from sealing_keys where id = $1',
    [id],
  );
  return row && recordOf(row);
}

export async function keepSealingKey(
  on: Queryable,
  id: string,
  { kekId, wrappedKey, nonce, ciphertext }: SealedRecord,
): Promise<void> {
  await on.query(
    'insert into sealing_keys (id, kek_id, wrapped_key, nonce, ciphertext) values ($1, $2, $3, $4, $5) on conflict (id) do nothing',
    [id, kekId, wrappedKey, nonce, ciphertext],
  );
}
