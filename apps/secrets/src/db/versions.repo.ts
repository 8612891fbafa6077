import type { Queryable, Tx } from '@lineclear/kit';
import type { SealedRecord } from '../domain/envelope.js';
import type { Change } from '../domain/restore.js';
import type { SealedColumns } from './keys.repo.js';
import { KNOWN } from './shares.repo.js';

export async function insertVersion(
  tx: Tx,
  at: {
    secretId: string;
    version: number;
    fingerprint: Buffer;
    isTemplate: boolean;
    createdBy: number | null;
    now: Date;
  },
  { kekId, wrappedKey, nonce, ciphertext }: SealedRecord,
): Promise<void> {
  await tx.query(
    `insert into secret_versions (secret_id, version, kek_id, wrapped_key, nonce, ciphertext, created_at, created_by, fingerprint, is_template)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      at.secretId,
      at.version,
      kekId,
      wrappedKey,
      nonce,
      ciphertext,
      at.now,
      at.createdBy,
      at.fingerprint,
      at.isTemplate,
    ],
  );
}

/** Forgets all but the newest `keep` versions of a secret. */
export async function trimVersions(tx: Tx, secretId: string, newest: number, keep: number): Promise<void> {
  await tx.query('delete from secret_versions where secret_id = $1 and version <= $2', [
    secretId,
    newest - keep,
  ]);
}

export interface StoredVersion extends SealedColumns {
  readonly id: string;
  /** Whose it is, and what they call it: another scope than the one that was asked for where it is shared with that. */
  readonly scope: string;
  readonly name: string;
  /** What it was asked for as. */
  readonly known_as: string;
  /** Where it is shared for a time only. */
  readonly shared_until: Date | null;
  readonly version: number;
  readonly expires_at: Date | null;
  readonly is_template: boolean;
  readonly needs_approval: boolean;
  readonly must_rotate_by: Date | null;
}

const OF_SECRET =
  's.id, s.scope, s.name, k.known_as, k.shared_until, v.version, s.expires_at, s.must_rotate_by, s.approval_level is not null as needs_approval';
const SEALED = 'v.kek_id, v.wrapped_key, v.nonce, v.ciphertext, v.is_template';

/** The current versions of these names, still encrypted: a scope's own, and what is shared with it. */
export const currentVersions = (
  on: Queryable,
  scope: string,
  names: readonly string[],
): Promise<StoredVersion[]> =>
  on.query(
    `select ${OF_SECRET}, ${SEALED}
     from ${KNOWN} k join secrets s on s.id = k.id join secret_versions v on v.secret_id = s.id and v.version = s.current_version
     where s.deleted_at is null`,
    [scope, names],
  );

/** One version of a secret that is there, still encrypted; none where it is not kept. */
export const versionOf = (
  on: Queryable,
  scope: string,
  name: string,
  version: number,
): Promise<StoredVersion[]> =>
  on.query(
    `select ${OF_SECRET}, ${SEALED}
     from ${KNOWN} k join secrets s on s.id = k.id join secret_versions v on v.secret_id = s.id and v.version = $3
     where s.deleted_at is null`,
    [scope, [name], version],
  );

/** One version, still encrypted; undefined where it is not kept any more. */
export async function findVersion(
  on: Queryable,
  secretId: string,
  version: number,
): Promise<(SealedColumns & { readonly is_template: boolean }) | undefined> {
  const [row] = await on.query<SealedColumns & { readonly is_template: boolean }>(
    `select ${SEALED} from secret_versions v where v.secret_id = $1 and v.version = $2`,
    [secretId, version],
  );
  return row;
}

/** All versions that are kept, still encrypted. */
export const allVersions = (
  on: Queryable,
  secretId: string,
): Promise<(SealedColumns & { readonly version: number })[]> =>
  on.query(`select v.version, ${SEALED} from secret_versions v where v.secret_id = $1 order by v.version`, [
    secretId,
  ]);

/** Puts a version, sealed anew, in the place of what it was. */
export async function replaceRecord(
  tx: Tx,
  { secretId, version }: { readonly secretId: string; readonly version: number },
  { kekId, wrappedKey, nonce, ciphertext }: SealedRecord,
): Promise<void> {
  await tx.query(
    `update secret_versions set kek_id = $3, wrapped_key = $4, nonce = $5, ciphertext = $6
     where secret_id = $1 and version = $2`,
    [secretId, version, kekId, wrappedKey, nonce, ciphertext],
  );
}

/** The fingerprints of the current values of these names, whose rows stay locked until the transaction ends. What was removed is not there. */
export async function lockFingerprints(
  tx: Tx,
  scope: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Buffer | null>> {
  const rows = await tx.query<{ name: string; fingerprint: Buffer | null }>(
    `select s.name, v.fingerprint
     from secrets s join secret_versions v on v.secret_id = s.id and v.version = s.current_version
     where s.scope = $1 and s.name = any($2) and s.deleted_at is null order by s.name for update of s`,
    [scope, names],
  );
  return new Map(rows.map(({ name, fingerprint }) => [name, fingerprint]));
}

export interface VersionSummary {
  readonly version: number;
  readonly created_at: Date;
  readonly created_by: number | null;
  readonly fingerprint: Buffer | null;
  readonly is_template: boolean;
}

/** The versions that are kept, newest first. */
export const listVersions = (on: Queryable, secretId: string): Promise<VersionSummary[]> =>
  on.query(
    'select version, created_at, created_by, fingerprint, is_template from secret_versions where secret_id = $1 order by version desc',
    [secretId],
  );

export interface NotedChange extends Change {
  readonly ofVersion: number | null;
  readonly byUser: number | null;
}

export async function noteChange(
  tx: Tx,
  secretId: string,
  { at, kind, version, ofVersion, byUser }: NotedChange,
): Promise<void> {
  await tx.query(
    'insert into secret_changes (secret_id, at, kind, version, of_version, by_user) values ($1, $2, $3, $4, $5, $6)',
    [secretId, at, kind, version, ofVersion, byUser],
  );
}

/** What became of these secrets, each oldest first. */
export async function changesOf(
  on: Queryable,
  secretIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Change[]>> {
  const rows = await on.query<Change & { secret_id: string }>(
    'select secret_id, at, kind, version from secret_changes where secret_id = any($1) order by id',
    [secretIds],
  );
  const changes = new Map<string, Change[]>();
  for (const { secret_id, ...change } of rows)
    changes.set(secret_id, [...(changes.get(secret_id) ?? []), change]);
  return changes;
}

/** The latest changes of a secret, newest first. */
export const latestChanges = (on: Queryable, secretId: string, limit: number): Promise<NotedChange[]> =>
  on.query(
    `select at, kind, version, of_version as "ofVersion", by_user as "byUser"
     from secret_changes where secret_id = $1 order by id desc limit $2`,
    [secretId, limit],
  );

/** The versions that are kept of these secrets, with the fingerprints of their values. */
export async function keptVersions(
  on: Queryable,
  secretIds: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, Buffer | null>>> {
  const rows = await on.query<{ secret_id: string; version: number; fingerprint: Buffer | null }>(
    'select secret_id, version, fingerprint from secret_versions where secret_id = any($1)',
    [secretIds],
  );
  const kept = new Map<string, Map<number, Buffer | null>>();
  for (const { secret_id, version, fingerprint } of rows) {
    const versions = kept.get(secret_id) ?? new Map<number, Buffer | null>();
    kept.set(secret_id, versions.set(version, fingerprint));
  }
  return kept;
}
