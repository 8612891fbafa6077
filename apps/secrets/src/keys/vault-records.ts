import type { Tx } from '@lineclear/kit';
import { recordOf, type SealedColumns } from '../db/keys.repo.js';
import type { KeptLease } from '../db/vault-leases.repo.js';
import type { Binding, SealedRecord } from '../domain/envelope.js';
import { leaseBinding } from '../vault/job-leases.js';
import { sessionBinding } from '../vault/lease-sessions.js';

export interface SealedForVault {
  readonly table: 'vault_sessions' | 'vault_leases';
  readonly id: string;
  readonly binding: Binding;
  readonly record: SealedRecord;
}

const SEALED = 'kek_id, wrapped_key, nonce, ciphertext';

/** The tokens and credentials that are kept for leases of Vault, locked. */
export async function sealedForVault(tx: Tx): Promise<SealedForVault[]> {
  const sessions = await tx.query<SealedColumns & { id: string }>(
    `select id, ${SEALED} from vault_sessions order by id for update`,
  );
  const leases = await tx.query<KeptLease>(
    `select id, job_id, attempt, path, ${SEALED} from vault_leases order by id for update`,
  );
  return [
    ...sessions.map((row) => ({
      table: 'vault_sessions' as const,
      id: row.id,
      binding: sessionBinding(row.id),
      record: recordOf(row),
    })),
    ...leases.map((row) => ({
      table: 'vault_leases' as const,
      id: row.id,
      binding: leaseBinding(row),
      record: recordOf(row),
    })),
  ];
}

export async function replaceSealed(
  tx: Tx,
  { table, id }: SealedForVault,
  { kekId, wrappedKey, nonce, ciphertext }: SealedRecord,
): Promise<void> {
  await tx.query(
    `update ${table} set kek_id = $2, wrapped_key = $3, nonce = $4, ciphertext = $5 where id = $1`,
    [id, kekId, wrappedKey, nonce, ciphertext],
  );
}
