import { fields, levelName } from '@lineclear/contracts';
import { z } from 'zod';
import { REQUEST_STATUSES, statusAt, type ApprovalRequest } from '../domain/approval-request.js';

const page = {
  status: z.enum(REQUEST_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
};
export const listQuery = z.strictObject({
  ...page,
  pending_only: z.enum(['true', 'false']).default('false'),
});
export const mineQuery = z.strictObject(page);

export const approveBody = z.strictObject({ notes: z.string().trim().max(2_000).optional() });
export const rejectBody = z.strictObject({ reason: z.string().trim().min(1).max(2_000) });

export const requestAnswer = z.object({
  id: z.uuid(),
  job_id: fields.jobId,
  user_id: z.int(),
  username: z.string(),
  rule_id: z.int(),
  rule_name: z.string(),
  status: z.enum(REQUEST_STATUSES),
  reason: z.string(),
  provider: z.string(),
  config_name: z.string(),
  estimated_cost_usd: z.number(),
  /** The same, under the name that older scripts read. */
  estimated_cost: z.number(),
  hardware: z.string(),
  /** The same, under the name that older scripts read. */
  hardware_type: z.string(),
  required_level: levelName,
  /** Whoever decides has to reach these too; absent where there are none. */
  also_levels: z.array(levelName).optional(),
  reviewed_by: z.string().nullable(),
  reviewed_by_user_id: z.int().nullable(),
  reviewed_at: z.iso.datetime().nullable(),
  review_notes: z.string().nullable(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});
export type RequestAnswer = z.infer<typeof requestAnswer>;
export const requestsAnswer = z.object({
  requests: z.array(requestAnswer),
  total: z.int(),
  pending_count: z.int(),
  next_cursor: z.int().optional(),
});
export type RequestsAnswer = z.infer<typeof requestsAnswer>;

export const showRequest = (request: ApprovalRequest, now: Date): RequestAnswer => ({
  id: request.id,
  job_id: request.jobId,
  user_id: request.userId,
  username: request.username,
  rule_id: request.ruleId,
  rule_name: request.ruleName,
  status: statusAt(request, now),
  reason: request.reason,
  provider: request.provider,
  config_name: request.configName,
  estimated_cost_usd: request.estimatedCostUsd,
  estimated_cost: request.estimatedCostUsd,
  hardware: request.hardware,
  hardware_type: request.hardware,
  required_level: request.requiredLevel,
  ...(request.alsoLevels.length === 0 ? {} : { also_levels: [...request.alsoLevels] }),
  reviewed_by: request.reviewedBy,
  reviewed_by_user_id: request.reviewedById,
  reviewed_at: request.reviewedAt?.toISOString() ?? null,
  review_notes: request.reviewNotes,
  created_at: request.createdAt.toISOString(),
  expires_at: request.expiresAt.toISOString(),
});
