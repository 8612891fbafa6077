import { tenantOf } from '@lineclear/access';
import { SERVICES, type Principal } from '@lineclear/contracts';
import { z } from 'zod';
import type { Filter } from '../db/audit-log.repo.js';
import type { AuditRow } from '../domain/audit-chain.js';
import { pageSize, rowId } from './fields.js';

const FIRST_YEAR = 1970;
const entrySeq = z
  .string()
  .regex(/^[1-9][0-9]{0,14}$/, 'is not the number of an entry')
  .transform(Number);
const instant = z.iso
  .datetime({ offset: true })
  .refine((at) => new Date(at).getUTCFullYear() >= FIRST_YEAR, `is before ${FIRST_YEAR}`);

const filterFields = {
  /** An action, or with `.*` at its end all that begin so: `user.changed`, `user.*`. */
  action: z
    .string()
    .max(80)
    .regex(
      /^[a-z_]+(\.[a-z_]+)*(\.\*)?$/,
      'is neither an action nor the beginning of some with .* at its end',
    )
    .optional(),
  actor_id: rowId.optional(),
  target: z.string().min(1).max(160).optional(),
  target_type: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,39}$/, 'is not a kind of target')
    .optional(),
  target_id: z.string().min(1).max(120).optional(),
  service: z.enum(SERVICES).optional(),
  outcome: z.enum(['done', 'refused']).optional(),
  since: instant.optional(),
  until: instant.optional(),
};
type Filters = z.infer<z.ZodObject<typeof filterFields>>;

const TARGET_IS_CLEAR = {
  check: ({ target, target_type, target_id }: Filters): boolean =>
    target_id === undefined ? target === undefined || target_type === undefined : target_type !== undefined,
  params: { path: ['target_type'], message: 'goes with target_id, and not with target' },
};
export const auditQuery = z
  .strictObject({ ...filterFields, limit: pageSize, cursor: entrySeq.optional() })
  .refine(TARGET_IS_CLEAR.check, TARGET_IS_CLEAR.params);
export const exportQuery = z
  .strictObject({ ...filterFields, format: z.enum(['csv', 'json']).default('json') })
  .refine(TARGET_IS_CLEAR.check, TARGET_IS_CLEAR.params);
export const verifyQuery = z
  .strictObject({
    from: entrySeq.optional(),
    to: entrySeq.optional(),
    /** A head that was kept of the log: what it names must still be there. */
    head_seq: entrySeq.optional(),
    head_mac: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'is not 64 hex digits')
      .optional(),
  })
  .refine(({ from = 1, to = Infinity }) => from <= to, { path: ['to'], message: 'is before `from`' })
  .refine(({ head_seq, head_mac }) => (head_seq === undefined) === (head_mac === undefined), {
    path: ['head_mac'],
    message: 'goes with head_seq, and neither without the other',
  });

/** What is asked for, of what this caller may know. */
export function filterOf(query: Filters, caller: Principal): Filter {
  const { action, actor_id: userId, target, target_type, target_id, service, outcome, since, until } = query;
  const isPrefix = action?.endsWith('*');
  return {
    tenant: tenantOf(caller),
    action: isPrefix ? undefined : action,
    actionPrefix: isPrefix ? action?.slice(0, -1) : undefined,
    userId,
    target: target_id === undefined ? target : `${target_type}/${target_id}`,
    targetPrefix: target_id === undefined && target_type !== undefined ? `${target_type}/` : undefined,
    service,
    outcome,
    since,
    until,
  };
}

export const entrySchema = z.object({
  seq: z.int(),
  id: z.string(),
  at: z.string(),
  service: z.string(),
  action: z.string(),
  outcome: z.string(),
  /** `person`, `anonymous`, or `system` for what a service did by itself. */
  by: z.string(),
  actor_id: z.int().nullable(),
  actor_username: z.string().nullable(),
  via: z.string().nullable(),
  credential_id: z.int().nullable(),
  address: z.string().nullable(),
  request_id: z.string().nullable(),
  target: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  count: z.int(),
  previous_mac: z.string(),
  mac: z.string(),
});
export type EntryView = z.infer<typeof entrySchema>;

export const entryView = (row: AuditRow): EntryView => ({
  seq: row.seq,
  id: row.event_id,
  at: row.at,
  service: row.service,
  action: row.action,
  outcome: row.outcome,
  by: row.by,
  actor_id: row.user_id,
  actor_username: row.username,
  via: row.via,
  credential_id: row.credential_id,
  address: row.address,
  request_id: row.request_id,
  target: row.target,
  details: detailsOf(row.details),
  count: row.count,
  previous_mac: row.previous_mac,
  mac: row.mac,
});

/** Somebody may have written something else there: it is shown as it is. */
function detailsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Not JSON.
  }
  return { unreadable: text };
}
