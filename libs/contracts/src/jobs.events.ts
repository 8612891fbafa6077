import { z } from 'zod';
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
  secretName,
  teamId,
  userId,
  username,
} from './fields.js';
import { END_REASONS, JOB_STATES } from './job-state.js';
import { levelName } from './permissions.js';
import { FAILURE_CAUSES, RUN_OUTCOMES } from './runs.events.js';
import { approvalNeed, jobFacts } from './approvals.requests.js';
import { costStanding } from './cost-limits.js';
import { secretUse } from './secret-use.js';
import { quota } from './quotas.js';
import { MAX_SECRETS_OF_JOB, secretDemand } from './secrets.requests.js';

/**
 * `org_id`: the organisation whose job it is; without it, it is the house's own. `team_id`: the team that it counts under;
 * without it, none.
 */
const aboutJob = {
  job_id: jobId,
  user_id: userId,
  org_id: orgId.optional(),
  team_id: teamId.optional(),
  username,
  provider,
  config_name: configName,
};

/** A job was accepted and is stored. `approval` is there when a rule holds it; without an evaluation the state says so. */
export const jobSubmitted = defineEvent(
  'job.submitted',
  z.object({
    ...aboutJob,
    hardware,
    estimated_cost_usd: costUsd,
    status: z.enum(JOB_STATES),
    facts: jobFacts,
    approval: approvalNeed.optional(),
  }),
);

/** A job has everything it needs and waits for its turn. */
export const jobQueued = defineEvent('job.queued', z.object({ ...aboutJob }));

/** A job has its slot. Only now may a provider be called: once per `attempt`, by the holder of `claim_id`. */
export const jobClaimed = defineEvent(
  'job.claimed',
  z.object({
    ...aboutJob,
    level: levelName,
    attempt: z.int().min(1),
    claim_id: z.uuid(),
    hardware,
    config: z.record(z.string().max(200), z.json()),
    max_runtime_seconds: z.int().min(1).optional(),
    output_path: z.string().max(1_000).optional(),
    /** Where it keeps its checkpoints; an attempt that is not the first goes on from there. */
    checkpoint_path: z.string().max(1_000).optional(),
    /** The names, each once. */
    secrets: z.array(secretName).max(MAX_SECRETS_OF_JOB),
    /** How it gets them; without it, each in the variable of its name. */
    secret_uses: z.array(secretUse).max(MAX_SECRETS_OF_JOB).optional(),
    /** Those of them that take an approval, and have it. */
    approved_secrets: z
      .array(secretDemand.pick({ name: true, scope: true }))
      .max(MAX_SECRETS_OF_JOB)
      .optional(),
  }),
);

/** Someone wants a job that has a run to stop. */
export const jobCancelRequested = defineEvent(
  'job.cancel_requested',
  z.object({ job_id: jobId, attempt: z.int().min(1), claim_id: z.uuid() }),
);

export const jobStarted = defineEvent(
  'job.started',
  z.object({ ...aboutJob, attempt: z.int().min(1), started_at: instant }),
);

const ended = {
  ...aboutJob,
  attempt: z.int().min(0),
  cost_usd: costUsd,
  started_at: instant.optional(),
  ended_at: instant,
  /** That the job names secrets; without it, it names none. */
  uses_secrets: z.literal(true).optional(),
};
/** An attempt is over without having done its work, and the job goes back into the queue for another one. `cost_usd` is what this one cost. */
export const jobAttemptFailed = defineEvent(
  'job.attempt_failed',
  z.object({
    ...ended,
    outcome: z.enum(RUN_OUTCOMES),
    cause: z.enum(FAILURE_CAUSES).optional(),
    message: reason.optional(),
    /** The job is in the queue again from then on, for these machines. */
    retry_at: instant,
    hardware,
  }),
);
export const jobCompleted = defineEvent('job.completed', z.object({ ...ended }));
export const jobFailed = defineEvent(
  'job.failed',
  z.object({ ...ended, reason: z.enum(END_REASONS), message: reason.optional() }),
);
export const jobCancelled = defineEvent(
  'job.cancelled',
  z.object({
    ...ended,
    reason: z.enum(END_REASONS),
    message: reason.optional(),
    /** Who cancelled it, or took its request back; without it, nobody did. */
    cancelled_by: z.object({ user_id: userId, username }).optional(),
  }),
);

/** What is set for a provider changed: whoever remembers it asks again. */
export const providerChanged = defineEvent('provider.changed', z.object({ provider }));

const aboutQuota = { ...aboutJob, quota, used: z.number().min(0) };
/** With this job, or with what it really took, most of a quota is used. Told once per quota and period. */
export const quotaWarning = defineEvent('quota.warning', z.object(aboutQuota));
/** This job goes, or would have gone, beyond a quota, or took more than was expected. A refused job has an id that stands for nothing. */
export const quotaExceeded = defineEvent('quota.exceeded', z.object({ ...aboutQuota, refused: z.boolean() }));

/** Most (80 %) of a provider's cost limit is used. Told once per limit and period. */
export const costWarning = defineEvent('cost.warning', costStanding);
/** A provider's cost limit is used up, or a job was refused that would have gone beyond it. Told once per limit and period. */
export const costExceeded = defineEvent('cost.exceeded', costStanding.extend({ refused: z.boolean() }));
