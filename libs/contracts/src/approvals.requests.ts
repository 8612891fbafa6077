import { z } from 'zod';
import { auditActor } from './audit.events.js';
import { MAX_APPROVERS, person } from './auth.requests.js';
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
import { levelName, MAX_LEVELS } from './permissions.js';
import { MAX_TEAMS_OF_A_PERSON } from './quotas.js';
import { defineRequest } from './request.js';
import { MAX_SECRETS_OF_JOB, sealedBox, secretDemand } from './secrets.requests.js';

/** Of one job. */
export const MAX_ATTEMPTS = 20;
/** A run is stopped for other jobs so many times, and no more: attempts that count beside those. */
export const MAX_PREEMPTIONS = 2;
export const MAX_ALSO_HARDWARE = 5;

/** What approval rules look at. */
export const jobFacts = z.object({
  job_id: jobId,
  user_id: userId,
  username,
  level: levelName,
  provider,
  config_name: configName,
  hardware,
  /** Where it may be tried again when it ran out of memory. */
  also_hardware: z.array(hardware).min(1).max(MAX_ALSO_HARDWARE).optional(),
  /** What all attempts may cost together. */
  estimated_cost_usd: costUsd,
  /** How many they are; without it, one. */
  attempts: z
    .int()
    .min(2)
    .max(MAX_ATTEMPTS + MAX_PREEMPTIONS)
    .optional(),
  /** Jobs the user submitted in the last 24 hours, this one not counted. */
  jobs_last_24h: z.int().min(0),
  first_job: z.boolean(),
  org_id: orgId.optional(),
  /** The team that the job counts under. */
  team_id: teamId.optional(),
  /** The teams that the user is in. */
  team_ids: z.array(teamId).max(MAX_TEAMS_OF_A_PERSON).optional(),
  /** Quotas that say that a human decides on what goes beyond them, and why this job does. */
  over_quota: z.array(z.string().max(200)).max(20).optional(),
  /** Secrets of the job that take an approval, each with the level that may give it. */
  secrets_needing_approval: z.array(secretDemand).max(MAX_SECRETS_OF_JOB).optional(),
  /** Why who submits it, and may, passes the approval: somebody looks at it afterwards. */
  bypass: z.object({ reason }).optional(),
});
export type JobFacts = z.infer<typeof jobFacts>;

/** Of one rule. */
export const MAX_STAGES = 5;
/** Rules that may be active with stages of their own, so that what a job needs has an end. */
export const MAX_RULES_WITH_STAGES = 20;
/** Of one stage. */
export const MAX_APPROVALS = 10;

/** One step of an approval: how many different people have to say yes, and of what level and team. */
export const approvalStage = z.object({
  name: z.string().max(60).optional(),
  approvals: z.int().min(1).max(MAX_APPROVALS),
  /** Each of them reaches all of these. */
  levels: z
    .array(levelName)
    .min(1)
    .max(MAX_LEVELS + 1),
  /** Only members of this team. */
  team_id: teamId.optional(),
});
export type ApprovalStage = z.infer<typeof approvalStage>;

/** Something holds the job: which rule, why, who may decide, until when. */
export const approvalNeed = z.object({
  approval_id: z.uuid(),
  /** 0 when no rule, but a quota or a secret holds it. */
  rule_id: z.int().min(0),
  rule_name: z.string().max(120),
  reason,
  required_level: levelName,
  /** Levels that whoever decides has to reach as well: which of them is the highest is known to auth alone. */
  also_levels: z.array(levelName).max(MAX_LEVELS).optional(),
  /** One after the other; without them one person of the levels above decides. */
  stages: z
    .array(approvalStage)
    .min(1)
    .max(MAX_STAGES * MAX_RULES_WITH_STAGES + 1)
    .optional(),
  /** How many have to say no until it is one; without it, one. */
  rejections: z.int().min(1).max(MAX_APPROVALS).optional(),
  expires_at: instant,
});
export type ApprovalNeed = z.infer<typeof approvalNeed>;

/** Which of these jobs does a rule hold? One verdict per job, in the same order. */
export const evaluateJobs = defineRequest(
  'approvals.evaluate',
  z.object({ jobs: z.array(jobFacts).min(1).max(256) }),
  z.object({ verdicts: z.array(z.object({ job_id: jobId, approval: approvalNeed.nullable() })) }),
);

/**
 * Decides what a job waits for, on behalf of somebody who was let in, and may approve, where they asked. Of `tenant`'s jobs
 * alone: null is of no organisation, absent is of all.
 */
export const decideForJob = defineRequest(
  'approvals.decide',
  z.object({
    job_id: jobId,
    /** Only if it is this one that it waits for. */
    approval_id: z.uuid().optional(),
    /** Only while it is in this stage of this round, both from 1: those that they were asked of. */
    asked: z.object({ stage: z.int().min(1), round: z.int().min(1) }).optional(),
    status: z.enum(['approved', 'rejected']),
    /** Of a rejection the reason. */
    notes: reason.optional(),
    by: z.object({
      level: levelName,
      reaches: z.array(levelName).min(1).max(MAX_LEVELS),
      team_ids: z.array(teamId).max(MAX_TEAMS_OF_A_PERSON).optional(),
      tenant: orgId.nullable().optional(),
      actor: auditActor,
    }),
  }),
  z.union([
    z.object({
      decided: z.object({
        approval_id: z.uuid(),
        at: instant,
        /** Their word counts, and more people are needed. */
        is_open: z.literal(true).optional(),
      }),
    }),
    z.object({
      refused: z.object({
        why: z.enum(['not_found', 'not_allowed', 'conflict']),
        message: z.string().max(500),
      }),
    }),
  ]),
);

/**
 * A new token for one person's answer by mail, sealed to `public_key` (X25519 SPKI DER, base64): it decides this request once,
 * as long as the stage and the round that the mail asks about last, and those before it stay as good. Without `box` the request
 * waits for nobody any more, or for another word than the mail asks for.
 */
export const replyToken = defineRequest(
  'approvals.reply_token',
  z.object({
    approval_id: z.uuid(),
    user_id: userId,
    /** What the mail asks for, both from 1; without them it asks for what the request waits for now. */
    stage: z.int().min(1).optional(),
    round: z.int().min(1).optional(),
    public_key: z.string().max(200),
    /** One more, for the link of the mail: neither is worth anything as the other. */
    with_link: z.boolean().optional(),
  }),
  z.object({ box: sealedBox.optional(), link_box: sealedBox.optional() }),
);

/** Who is to be asked to decide this request as it stands, each at their own address; nobody when it waits for nobody. */
export const approversNow = defineRequest(
  'approvals.approvers',
  z.object({ approval_id: z.uuid() }),
  z.object({ people: z.array(person).max(MAX_APPROVERS) }),
);
