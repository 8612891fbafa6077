import {
  approvalNeed,
  END_REASONS,
  FAILURE_CAUSES,
  fields,
  JOB_STATES,
  RUN_OUTCOMES,
  secretEntry,
} from '@lineclear/contracts';
import { z } from 'zod';
import { CONDITIONS } from '../domain/dependency.js';
import { bandName } from '../domain/band.js';
import type { Job } from '../domain/job.js';

const instant = fields.instant.nullable();

const attempt = z.object({
  attempt: z.int(),
  hardware: fields.hardware,
  gpus: z.int(),
  outcome: z.enum(RUN_OUTCOMES),
  cause: z.enum(FAILURE_CAUSES).nullable(),
  message: z.string().nullable(),
  queued_at: fields.instant,
  claimed_at: fields.instant,
  started_at: instant,
  ended_at: fields.instant,
  cost_usd: fields.costUsd,
});

export const jobView = z.object({
  job_id: fields.jobId,
  status: z.enum(JOB_STATES),
  user_id: fields.userId,
  username: fields.username,
  provider: fields.provider,
  config_name: fields.configName,
  hardware: fields.hardware,
  priority: z.int(),
  priority_name: z.string(),
  estimated_cost_usd: fields.costUsd,
  cost_usd: fields.costUsd.nullable(),
  estimated_duration_seconds: z.int(),
  max_runtime_seconds: z.int().nullable(),
  output_path: z.string().nullable(),
  secrets: z.array(secretEntry),
  labels: z.record(z.string(), z.string()),
  approval: approvalNeed.nullable(),
  checkpoint_path: z.string().nullable(),
  array_id: z.string().nullable(),
  array_index: z.int().nullable(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  /** Jobs that must have ended before it goes, and how many have not. */
  depends_on: z.array(z.object({ job_id: fields.jobId, when: z.enum(CONDITIONS) })),
  unmet_dependencies: z.int(),
  retry: z.record(z.string(), z.unknown()).nullable(),
  attempt: z.int(),
  /** Those that are over. */
  attempts: z.array(attempt),
  not_before: instant,
  external_id: z.string().nullable(),
  progress: z.record(z.string(), z.unknown()).nullable(),
  reason: z.enum(END_REASONS).nullable(),
  message: z.string().nullable(),
  submitted_at: fields.instant,
  queued_at: instant,
  claimed_at: instant,
  started_at: instant,
  ended_at: instant,
});

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;

/** A job as lists show it: everything but its config. */
export const viewJob = (job: Job): z.input<typeof jobView> => ({
  job_id: job.id,
  status: job.state,
  user_id: job.userId,
  username: job.username,
  provider: job.provider,
  config_name: job.configName,
  hardware: job.hardware,
  priority: job.band,
  priority_name: bandName(job.level, job.band),
  estimated_cost_usd: job.estimatedCostUsd,
  cost_usd: job.costUsd,
  estimated_duration_seconds: job.estimatedDurationSeconds,
  max_runtime_seconds: job.maxRuntimeSeconds,
  output_path: job.outputPath,
  secrets: [...job.secrets],
  labels: { ...job.labels },
  approval: job.approval,
  checkpoint_path: job.checkpointPath,
  array_id: job.arrayId,
  array_index: job.arrayIndex,
  parameters: job.parameters && { ...job.parameters },
  depends_on: [...job.dependsOn],
  unmet_dependencies: job.unmet,
  retry: job.retry && { ...job.retry },
  attempt: job.attempt,
  attempts: [...job.attempts],
  not_before: iso(job.notBefore),
  external_id: job.externalId,
  progress: job.progress && { ...job.progress },
  reason: job.endReason,
  message: job.message,
  submitted_at: job.submittedAt.toISOString(),
  queued_at: iso(job.queuedAt),
  claimed_at: iso(job.claimedAt),
  started_at: iso(job.startedAt),
  ended_at: iso(job.endedAt),
});
