import { QUOTA_ACTIONS, QUOTA_SCOPES, QUOTA_TYPES, quotaLimit } from '@lineclear/contracts';
import { z } from 'zod';
import type { QuotaRow } from '../db/quotas.repo.js';
import { limitFault } from '../domain/ceilings.js';
import type { Limit } from '../orgs/manage-quotas.js';

export const quotaType = z.enum(QUOTA_TYPES);

/** The fields of a quota that are the same whoever it is about. */
export const limitFields = {
  quota_type: quotaType,
  limit_value: quotaLimit,
  action: z.enum(QUOTA_ACTIONS).default('block'),
};
type LimitFields = Pick<z.infer<typeof limitBody>, 'quota_type' | 'limit_value' | 'action'>;

/** Refuses parts of a job where jobs are counted. */
export function wholeWhereCounted(
  { quota_type, limit_value }: Pick<LimitFields, 'quota_type' | 'limit_value'>,
  context: z.RefinementCtx,
): void {
  const message = limitFault(quota_type, limit_value);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['limit_value'], message });
}

export const limitBody = z.strictObject(limitFields).superRefine(wholeWhereCounted);

export const limitOf = ({ quota_type, limit_value: limit, action }: LimitFields): Limit => ({
  quota_type,
  limit,
  action,
});

export const quotaSchema = z.object({
  id: z.int(),
  quota_type: quotaType,
  limit_value: z.number(),
  action: z.enum(QUOTA_ACTIONS),
  scope: z.enum(QUOTA_SCOPES),
  is_global: z.boolean(),
  user_id: z.int().nullable(),
  level: z.string().nullable(),
  team_id: z.int().nullable(),
  org_id: z.int().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
/** What is set for one organisation or team: at most one of each type. */
export const quotaList = z.object({ quotas: z.array(quotaSchema), total: z.int() });

/** A quota as the API shows it. */
export function quotaView(quota: QuotaRow): z.infer<typeof quotaSchema> {
  const { scope, subject } = quota;
  const idIf = (wanted: QuotaRow['scope']): number | null => (scope === wanted ? Number(subject) : null);
  return {
    id: quota.id,
    quota_type: quota.quota_type,
    limit_value: quota.limit,
    action: quota.action,
    scope,
    is_global: scope === 'global',
    user_id: idIf('user'),
    level: scope === 'level' ? subject : null,
    team_id: idIf('team'),
    org_id: idIf('org'),
    created_at: quota.created_at.toISOString(),
    updated_at: quota.updated_at.toISOString(),
  };
}

export const quotaListView = (rows: readonly QuotaRow[]): z.infer<typeof quotaList> => ({
  quotas: rows.map(quotaView),
  total: rows.length,
});
