import { looksEncrypted, openSimpletuner, simpletunerKey } from '../domain/fernet.js';
import { staleBefore, STALE_AFTER_DAYS } from '../domain/freshness.js';
import type { ImportEntry } from './entry.js';

/** A row of SimpleTuner's table `provider_credentials`. */
export interface CredentialRow {
  readonly user_id: number;
  readonly provider: string;
  readonly credential_name: string;
  readonly credential_value: string;
  readonly created_at?: string | null | undefined;
  readonly updated_at?: string | null | undefined;
}

const PLAIN = 'was kept in plain text: whoever could read that database knows it';
const OLD = `was set more than ${STALE_AFTER_DAYS} days ago: set a new one`;

/**
 * The credentials of an exported table, `replicate` and `api_token` as REPLICATE_API_TOKEN. SimpleTuner keeps them in plain
 * text, whatever it says; what is encrypted is opened with its credential key. `only` leaves out those of other users.
 */
export function readCredentialRows(
  rows: readonly CredentialRow[],
  { credentialKey, only, now }: { credentialKey?: string | undefined; only?: number | undefined; now: Date },
): ImportEntry[] {
  const key = credentialKey === undefined ? undefined : simpletunerKey(credentialKey);
  try {
    return rows
      .filter(({ user_id }) => only === undefined || user_id === only)
      .map((row) => ({
        key: `${row.provider}_${row.credential_name}`.replaceAll(/[^A-Za-z0-9]+/g, '_').toUpperCase(),
        ...opened(row.credential_value, key, isOld(row, now) ? [OLD] : []),
      }));
  } finally {
    key?.fill(0);
  }
}

function opened(
  stored: string,
  key: Buffer | undefined,
  warnings: readonly string[],
): Omit<ImportEntry, 'key'> {
  if (!looksEncrypted(stored)) return { value: stored, warnings: [PLAIN, ...warnings] };
  if (key === undefined) return { value: '', fault: 'is encrypted: credential_key opens it', warnings };
  const value = openSimpletuner(stored, key);
  return value === undefined
    ? { value: '', fault: 'does not open with this credential_key', warnings }
    : { value, warnings };
}

function isOld({ updated_at, created_at }: CredentialRow, now: Date): boolean {
  const setAt = updated_at ?? created_at;
  return setAt !== undefined && setAt !== null && new Date(setAt) < staleBefore(now);
}
