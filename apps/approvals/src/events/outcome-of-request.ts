import {
  approvalBypassed,
  approvalBypassReviewed,
  approvalCancelled,
  approvalChangesRequested,
  approvalEscalated,
  approvalExpired,
  approvalGranted,
  approvalRejected,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
  MAX_APPROVERS,
  type EventData,
  type Level,
} from '@lineclear/contracts';
import { event, type Outgoing } from '@lineclear/bus';
import { levelsOf, type ApprovalRequest, type Via } from '../domain/approval-request.js';
import type { Comment } from '../domain/comment.js';
import { isStaged } from '../domain/stages.js';
import type { Person } from '../domain/whom-to-ask.js';

/**
 * The event that tells what a request's state is: the same when it comes about and when someone who missed it asks again.
 * Nothing is told of a request that ended because its job was cancelled: who cancelled it knows.
 */
export function outcomeOf(request: ApprovalRequest): Outgoing | undefined {
  const about = aboutOf(request);
  const ids = {
    approval_id: request.id,
    job_id: request.jobId,
    user_id: request.userId,
    ...groupsOf(request),
    username: request.username,
    config_name: request.configName,
  };
  switch (request.status) {
    case 'pending':
      return event(approvalRequired, heldBy(request), about);
    case 'approved': {
      const notes = request.reviewNotes === null ? {} : { notes: request.reviewNotes };
      return event(approvalGranted, { ...ids, ...decisionOf(request), ...notes }, about);
    }
    case 'rejected':
      return event(
        approvalRejected,
        { ...ids, ...decisionOf(request), reason: request.reviewNotes ?? '' },
        about,
      );
    case 'expired':
      return event(approvalExpired, { ...ids, at: endOf(request) }, about);
    case 'cancelled': {
      if (request.reviewedById === null) return undefined;
      const { via: _, ...by } = decisionOf(request);
      return event(approvalCancelled, { ...ids, ...by }, about);
    }
  }
}

/** Tells whoever may decide that nobody has. */
export const reminderOf = (request: ApprovalRequest, number: number): Outgoing =>
  event(approvalReminder, { ...heldBy(request), number }, aboutOf(request));

/** Tells whoever is to decide next. */
export const stageStarted = (request: ApprovalRequest, cause: 'stage' | 'round'): Outgoing =>
  event(approvalStageStarted, { ...heldBy(request), ...stepOf(request), cause }, aboutOf(request));

/** Tells these that they are asked as well. */
export const escalated = (
  request: ApprovalRequest,
  cause: 'time' | 'unreached',
  ask: readonly Person[],
): Outgoing =>
  event(
    approvalEscalated,
    { ...heldBy(request), cause, ask: ask.slice(0, MAX_APPROVERS).map(({ user_id }) => user_id) },
    aboutOf(request),
  );

/** Tells whoever may look at it that the requester passed the approval, for the how-manieth time. */
export const bypassed = (request: ApprovalRequest, number: number): Outgoing =>
  event(
    approvalBypassed,
    { ...heldBy(request), bypass_reason: request.reviewNotes ?? '', number },
    aboutOf(request),
  );

export const bypassReviewed = (
  request: ApprovalRequest,
  verdict: 'accepted' | 'objected',
  { userId, username, at, text }: Comment,
): Outgoing =>
  event(
    approvalBypassReviewed,
    {
      ...heldBy(request),
      verdict,
      by_user_id: userId,
      by: username,
      at: at.toISOString(),
      comment: text,
    },
    aboutOf(request),
  );

/** Tells the requester that an answer is wanted. */
export const changesRequested = (request: ApprovalRequest, comment: Comment, via: Via): Outgoing =>
  event(
    approvalChangesRequested,
    {
      ...heldBy(request),
      round: request.round,
      by_user_id: comment.userId,
      by: comment.username,
      via,
      at: comment.at.toISOString(),
      comment: comment.text,
    },
    aboutOf(request),
  );

/** The levels that whoever decides now has to reach, as they are told outside. */
export function levelsTold(request: ApprovalRequest): { required_level: Level; also_levels?: Level[] } {
  const [required_level, ...others] = levelsOf(request);
  return { required_level: required_level!, ...(others.length > 0 && { also_levels: others }) };
}

const groupsOf = ({ orgId, teamId }: ApprovalRequest) => ({
  ...(orgId === null ? {} : { org_id: orgId }),
  ...(teamId === null ? {} : { team_id: teamId }),
});

const aboutOf = ({ jobId, traceparent }: ApprovalRequest) => ({
  about: `job/${jobId}`,
  traceparent: traceparent ?? undefined,
});

const heldBy = (request: ApprovalRequest): EventData<typeof approvalRequired> => ({
  approval_id: request.id,
  job_id: request.jobId,
  rule_id: request.ruleId,
  rule_name: request.ruleName,
  reason: request.reason,
  ...levelsTold(request),
  ...(isStaged(request.stages, request.rejections) && {
    stages: [...request.stages],
    rejections: request.rejections,
  }),
  expires_at: request.expiresAt.toISOString(),
  user_id: request.userId,
  ...groupsOf(request),
  username: request.username,
  provider: request.provider,
  config_name: request.configName,
  hardware: request.hardware,
  estimated_cost_usd: request.estimatedCostUsd,
  ...stepOf(request),
});

const stepOf = ({ stage, round }: ApprovalRequest) => ({ stage: stage + 1, round });

const endOf = (request: ApprovalRequest): string => (request.reviewedAt ?? request.expiresAt).toISOString();

function decisionOf(request: ApprovalRequest) {
  const { reviewedById, reviewedBy, decidedVia } = request;
  if (reviewedById === null || reviewedBy === null || decidedVia === null)
    throw new Error(`request ${request.id} was decided by nobody`);
  return { by_user_id: reviewedById, by: reviewedBy, via: decidedVia, at: endOf(request) };
}
