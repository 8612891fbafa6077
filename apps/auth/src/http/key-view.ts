import { z } from 'zod';
import type { ApiKeyRow } from '../db/api-keys.repo.js';
import { allowedCidrs, keyName, pageSize, permission, rowId } from './fields.js';

/** What a new key is asked for with, by its owner or for a service account. */
export const newKey = z.strictObject({
  name: keyName,
  expires_days: z.int().min(1).max(3_650).optional(),
  scoped_permissions: z.array(permission).min(1).max(100).optional(),
  allowed_cidrs: allowedCidrs.optional(),
});
export const keyRequestOf = (body: z.infer<typeof newKey>) => ({
  name: body.name,
  expiresDays: body.expires_days,
  scope: body.scoped_permissions,
  allowedCidrs: body.allowed_cidrs,
});

export const keysQuery = z.strictObject({ limit: pageSize, cursor: rowId.optional() });
export const keyInfo = z.object({
  id: z.int(),
  name: z.string(),
  key_prefix: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
  expires_at: z.iso.datetime().nullable(),
  is_active: z.boolean(),
  scoped_permissions: z.array(z.string()).nullable(),
  allowed_cidrs: z.array(z.string()).nullable(),
  /** The user with whose credential it was made; null for keys from before this was written down. */
  made_by: z.int().nullable(),
  /** The key that was made in its place: this one works until `expires_at`, and is then no longer listed. */
  replaced_by: z.int().nullable(),
});
export const madeKey = z.object({ key: z.string(), key_info: keyInfo });
export const keyList = z.object({
  api_keys: z.array(keyInfo),
  total: z.int(),
  next_cursor: z.int().optional(),
});

/** A key as the API shows it: never itself, nor its hash. */
export const keyView = (row: ApiKeyRow, now: Date): z.infer<typeof keyInfo> => ({
  id: row.id,
  name: row.name,
  key_prefix: row.key_prefix,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
  expires_at: row.expires_at?.toISOString() ?? null,
  is_active: row.expires_at === null || row.expires_at > now,
  scoped_permissions: row.scoped_permissions === null ? null : [...row.scoped_permissions],
  allowed_cidrs: row.allowed_cidrs === null ? null : [...row.allowed_cidrs],
  made_by: row.made_by,
  replaced_by: row.replaced_by,
});

/** A page of keys, newest first. */
export function keyPage(
  { rows, total }: { readonly rows: readonly ApiKeyRow[]; readonly total: number },
  limit: number,
  now: Date,
): z.infer<typeof keyList> {
  const last = rows.at(-1);
  return {
    api_keys: rows.map((row) => keyView(row, now)),
    total,
    ...(rows.length === limit && last ? { next_cursor: last.id } : {}),
  };
}
