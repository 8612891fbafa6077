import { z } from 'zod';
import type { PasskeyRow } from '../db/passkeys.repo.js';

export const passkeySchema = z.object({
  id: z.int(),
  name: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
});

export const passkeyView = (row: PasskeyRow): z.infer<typeof passkeySchema> => ({
  id: row.id,
  name: row.name,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
});
