import { approvalStage, fields, levelName } from '@lineclear/contracts';
import { z } from 'zod';
import {
  BYPASS_REVIEWS,
  REQUEST_STATUSES,
  statusAt,
  VIAS,
  type ApprovalRequest,
} from '../domain/approval-request.js';
import { COMMENT_KINDS, type Comment } from '../domain/comment.js';
import type { Vote } from '../domain/votes.js';
import { levelsTold } from '../events/outcome-of-request.js';

const page = {
  status: z.enum(REQUEST_STATUSES).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
};
export const listQuery = z.strictObject({
  ...page,
  pending_only: z.enum(['true', 'false']).default('false'),
  bypass_review: z.enum(BYPASS_REVIEWS).optional(),
});
export const mineQuery = z.strictObject(page);

export const approveBody = z.strictObject({ notes: z.string().trim().max(2_000).optional() });
export const rejectBody = z.strictObject({ reason: z.string().trim().min(1).max(2_000) });

export const reviewBody = z.strictObject({
  verdict: z.enum(['accepted', 'objected']),
  comment: z.string().trim().min(1).max(2_000),
});
export const commentBody = z.strictObject({ comment: z.string().trim().min(1).max(2_000) });

export const commentAnswer = z.object({
  id: z.uuid(),
  kind: z.enum(COMMENT_KINDS),
  round: z.int().min(1),
  user_id: z.int(),
  username: z.string(),
  comment: z.string(),
  at: z.iso.datetime(),
});
export const showComment = (comment: Comment): z.infer<typeof commentAnswer> => ({
  id: comment.id,
  kind: comment.kind,
  round: comment.round,
  user_id: comment.userId,
  username: comment.username,
  comment: comment.text,
  at: comment.at.toISOString(),
});

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
  /** Of whoever decides now. */
  required_level: levelName,
  /** Whoever decides has to reach these too; absent where there are none. */
  also_levels: z.array(levelName).optional(),
  /** One after the other. */
  stages: z.array(approvalStage.extend({ given: z.int().min(0) })),
  /** Which of them it is in, from 1. */
  stage: z.int().min(1),
  /** How many have to say no until it is one. */
  rejections: z.int().min(1),
  /** From 1; what was said in those before does not count. */
  round: z.int().min(1),
  /** Who is to act while it is pending. */
  awaits: z.enum(['approvers', 'requester']),
  /** What was said in this round, in order. */
  votes: z.array(
    z.object({
      user_id: z.int(),
      username: z.string(),
      /** Who was away. */
      in_place_of: z.object({ user_id: z.int(), username: z.string() }).optional(),
      vote: z.enum(['approved', 'rejected']),
      stage: z.int().min(1),
      notes: z.string().nullable(),
      via: z.enum(VIAS),
      at: z.iso.datetime(),
    }),
  ),
  reviewed_by: z.string().nullable(),
  reviewed_by_user_id: z.int().nullable(),
  reviewed_at: z.iso.datetime().nullable(),
  review_notes: z.string().nullable(),
  /** Where the requester passed the approval: whether somebody looked at it since, and what they say. */
  bypass_review: z.enum(BYPASS_REVIEWS).nullable(),
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

/** With the votes of its round, of all those that are given. */
export function showRequest(request: ApprovalRequest, all: readonly Vote[], now: Date): RequestAnswer {
  const votes = all.filter((vote) => vote.requestId === request.id && vote.round === request.round);
  return {
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
    ...levelsTold(request),
    stages: request.stages.map((stage, n) => ({
      ...stage,
      given: votes.filter((vote) => vote.approves && vote.stage === n).length,
    })),
    stage: request.stage + 1,
    rejections: request.rejections,
    round: request.round,
    awaits: request.awaits,
    votes: votes.map((vote) => ({
      user_id: vote.userId,
      username: vote.username,
      ...(vote.inPlaceOf && {
        in_place_of: { user_id: vote.inPlaceOf.userId, username: vote.inPlaceOf.username },
      }),
      vote: vote.approves ? 'approved' : 'rejected',
      stage: vote.stage + 1,
      notes: vote.notes,
      via: vote.via,
      at: vote.at.toISOString(),
    })),
    reviewed_by: request.reviewedBy,
    reviewed_by_user_id: request.reviewedById,
    reviewed_at: request.reviewedAt?.toISOString() ?? null,
    review_notes: request.reviewNotes,
    bypass_review: request.bypassReview,
    created_at: request.createdAt.toISOString(),
    expires_at: request.expiresAt.toISOString(),
  };
}
