import type { Principal } from '@lineclear/contracts';
import { z } from 'zod';
import type { SessionRow } from '../db/sessions.repo.js';
import { pageSize, rowId } from './fields.js';

export const sessionsQuery = z.strictObject({ limit: pageSize, cursor: rowId.optional() });
const session = z.object({
  id: z.int(),
  created_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
  address: z.string(),
  user_agent: z.string(),
  is_current: z.boolean(),
});
export const sessionList = z.object({
  sessions: z.array(session),
  total: z.int(),
  next_cursor: z.int().optional(),
});
export const ended = z.object({ success: z.literal(true), ended: z.int() });

/** A page of sessions, newest first; `currentId` is the one that asks. */
export function sessionPage(
  { rows, total }: { readonly rows: readonly SessionRow[]; readonly total: number },
  limit: number,
  currentId: number | undefined,
): z.infer<typeof sessionList> {
  const last = rows.at(-1);
  return {
    sessions: rows.map((row) => ({
      id: row.id,
      created_at: row.created_at.toISOString(),
      last_seen_at: row.last_seen_at.toISOString(),
      expires_at: row.expires_at.toISOString(),
      address: row.address,
      user_agent: row.user_agent,
      is_current: row.id === currentId,
    })),
    total,
    ...(rows.length === limit && last ? { next_cursor: last.id } : {}),
  };
}

/** The session that asks, if it is one. */
export const currentSession = (caller: Pick<Principal, 'via' | 'credential_id'>): number | undefined =>
  caller.via === 'session' ? caller.credential_id : undefined;
