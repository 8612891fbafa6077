import { z } from 'zod';
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
  userId,
  username,
} from './fields.js';

export const MAX_REMINDERS = 5;

/** A job without an evaluation was looked at late, and no rule holds it. */
export const approvalWaived = defineEvent('approval.waived', z.object({ job_id: jobId }));

const held = {
  ...approvalNeed.shape,
  job_id: jobId,
  user_id: userId,
  org_id: orgId.optional(),
  username,
  provider,
  config_name: configName,
  hardware,
  estimated_cost_usd: costUsd,
};
export const approvalRequired = defineEvent('approval.required', z.object(held));
/** Nobody has decided yet. */
export const approvalReminder = defineEvent(
  'approval.reminder',
  z.object({ ...held, number: z.int().min(1).max(MAX_REMINDERS) }),
);

const decided = {
  approval_id: z.uuid(),
  job_id: jobId,
  by_user_id: userId,
  by: username,
  via: z.enum(['api', 'email', 'slack', 'link']),
  at: instant,
};
export const approvalGranted = defineEvent(
  'approval.granted',
  z.object({ ...decided, notes: reason.optional() }),
);
export const approvalRejected = defineEvent('approval.rejected', z.object({ ...decided, reason }));
export const approvalExpired = defineEvent(
  'approval.expired',
  z.object({ approval_id: z.uuid(), job_id: jobId, at: instant }),
);
/** The requester (or someone who may approve) withdrew the request. */
export const approvalCancelled = defineEvent(
  'approval.cancelled',
  z.object({ approval_id: z.uuid(), job_id: jobId, by_user_id: userId, by: username, at: instant }),
);
