import { z } from 'zod';
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
import { levelName } from './permissions.js';
import { defineRequest } from './request.js';
import { MAX_SECRETS_OF_JOB, secretDemand } from './secrets.requests.js';

/** What approval rules look at. */
export const jobFacts = z.object({
  job_id: jobId,
  user_id: userId,
  username,
  level: levelName,
  provider,
  config_name: configName,
  hardware,
  estimated_cost_usd: costUsd,
  /** Jobs the user submitted in the last 24 hours, this one not counted. */
  jobs_last_24h: z.int().min(0),
  first_job: z.boolean(),
  org_id: orgId.optional(),
  /** Quotas that say that a human decides on what goes beyond them, and why this job does. */
  over_quota: z.array(z.string().max(200)).max(20).optional(),
  /** Secrets of the job that take an approval, each with the level that may give it. */
  secrets_needing_approval: z.array(secretDemand).max(MAX_SECRETS_OF_JOB).optional(),
});
export type JobFacts = z.infer<typeof jobFacts>;

/** Something holds the job: which rule, why, who may decide, until when. */
export const approvalNeed = z.object({
  approval_id: z.uuid(),
  /** 0 when no rule, but a quota or a secret holds it. */
  rule_id: z.int().min(0),
  rule_name: z.string().max(120),
  reason,
  required_level: levelName,
  /** Levels that whoever decides has to reach as well: which of them is the highest is known to auth alone. */
  also_levels: z.array(levelName).max(MAX_SECRETS_OF_JOB).optional(),
  expires_at: instant,
});
export type ApprovalNeed = z.infer<typeof approvalNeed>;

/** Which of these jobs does a rule hold? One verdict per job, in the same order. */
export const evaluateJobs = defineRequest(
  'approvals.evaluate',
  z.object({ jobs: z.array(jobFacts).min(1).max(256) }),
  z.object({ verdicts: z.array(z.object({ job_id: jobId, approval: approvalNeed.nullable() })) }),
);
