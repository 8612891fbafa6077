import { z } from 'zod';
import { MAX_APPROVERS } from './auth.requests.js';
import { approvalNeed } from './approvals.requests.js';
import { defineEvent } from './event.js';
import {
  configName,
  costUsd,
  hardware,
  instant,
  jobId,
  orgId,
  provider,
  reason,
  teamId,
  userId,
  username,
} from './fields.js';

export const MAX_REMINDERS = 5;

/** A job without an evaluation was looked at late, and no rule holds it. */
export const approvalWaived = defineEvent('approval.waived', z.object({ job_id: jobId }));

/** `standing`: said in advance; `bypass`: passed by the requester, for somebody to look at afterwards. */
const decidedVia = z.enum(['api', 'email', 'slack', 'link', 'standing', 'bypass']);

const held = {
  ...approvalNeed.shape,
  job_id: jobId,
  user_id: userId,
  org_id: orgId.optional(),
  team_id: teamId.optional(),
  username,
  provider,
  config_name: configName,
  hardware,
  estimated_cost_usd: costUsd,
  /** The stage and the round, both from 1, that it is in, and so whose word is asked for; without them, it was told before events said so. */
  stage: z.int().min(1).optional(),
  round: z.int().min(1).optional(),
};
export const approvalRequired = defineEvent('approval.required', z.object(held));
/** Nobody has decided yet. */
export const approvalReminder = defineEvent(
  'approval.reminder',
  z.object({ ...held, number: z.int().min(1).max(MAX_REMINDERS) }),
);

/** Enough people said yes to what came before, or the requester answered whoever asked for changes: others are to decide now. */
export const approvalStageStarted = defineEvent(
  'approval.stage_started',
  z.object({
    ...held,
    /** From 1. */
    stage: z.int().min(1),
    round: z.int().min(1),
    cause: z.enum(['stage', 'round']),
  }),
);
/** Nobody decided for so long, or somebody who was asked cannot be reached: these are asked as well. */
export const approvalEscalated = defineEvent(
  'approval.escalated',
  z.object({
    ...held,
    cause: z.enum(['time', 'unreached']),
    ask: z.array(userId).min(1).max(MAX_APPROVERS),
  }),
);
/** The requester passed the approval, as their permission lets them: these may say afterwards whether that was right. */
export const approvalBypassed = defineEvent(
  'approval.bypassed',
  z.object({
    ...held,
    /** What it was passed for. */
    bypass_reason: reason,
    /** How often it was said. */
    number: z.int().min(1),
  }),
);
export const approvalBypassReviewed = defineEvent(
  'approval.bypass_reviewed',
  z.object({
    ...held,
    verdict: z.enum(['accepted', 'objected']),
    by_user_id: userId,
    by: username,
    at: instant,
    comment: reason,
  }),
);
/** Whoever may decide wants something else: the requester is to answer, or to take it back. */
export const approvalChangesRequested = defineEvent(
  'approval.changes_requested',
  z.object({
    ...held,
    /** The one that ended with it. */
    round: z.int().min(1),
    by_user_id: userId,
    by: username,
    via: decidedVia,
    at: instant,
    comment: reason,
  }),
);

/** Whose request it was; without it, it was told before requests said so. */
const asker = {
  user_id: userId.optional(),
  org_id: orgId.optional(),
  team_id: teamId.optional(),
  username: username.optional(),
  config_name: configName.optional(),
};

const decided = {
  approval_id: z.uuid(),
  job_id: jobId,
  ...asker,
  by_user_id: userId,
  by: username,
  via: decidedVia,
  at: instant,
};
export const approvalGranted = defineEvent(
  'approval.granted',
  z.object({ ...decided, notes: reason.optional() }),
);
export const approvalRejected = defineEvent('approval.rejected', z.object({ ...decided, reason }));
export const approvalExpired = defineEvent(
  'approval.expired',
  z.object({ approval_id: z.uuid(), job_id: jobId, ...asker, at: instant }),
);
/** The requester (or someone who may approve) withdrew the request. */
export const approvalCancelled = defineEvent(
  'approval.cancelled',
  z.object({
    approval_id: z.uuid(),
    job_id: jobId,
    ...asker,
    by_user_id: userId,
    by: username,
    at: instant,
  }),
);
