import { z } from 'zod';

const text = z.string().max(4_096);
const scope = z.enum(['global', 'user', 'team', 'org']);
const version = z.number().int().min(0);

/** What the API answers, as far as we read it: what is added to it does not disturb us. */
export const meAnswer = z.object({
  username: text,
  permissions: z.array(z.string().max(200)).max(1_000),
});
export const keysAnswer = z.object({
  api_keys: z.array(z.object({ id: z.number().int(), key_prefix: text })).max(1_000),
});
export const setAnswer = z.object({ name: text, version: version.optional(), hidden_by: text.optional() });
export const secretAnswer = z.object({
  name: text,
  scope: scope,
  version,
  description: text.optional(),
  source: text.optional(),
  created_at: text,
  updated_at: text,
  expires_at: text.optional(),
  removed_at: text.optional(),
  freshness: text,
});
export const listAnswer = z.object({
  secrets: z.array(secretAnswer).max(1_000),
  total: z.number().int(),
  next_cursor: text.optional(),
});
export const explainAnswer = z.object({
  name: text,
  found_in: z.object({ source: text, scope: text }).nullable(),
  sources: z
    .array(
      z.object({
        source: text,
        scope: text,
        asked: z.boolean(),
        has: z.boolean(),
        version: version.optional(),
        version_id: text.optional(),
        note: text.optional(),
        error: text.optional(),
        cache_age_seconds: z.number().optional(),
        stale: z.boolean().optional(),
      }),
    )
    .max(100),
});
export const versionsAnswer = z.object({
  name: text,
  current_version: version,
  versions: z
    .array(
      z.object({
        version,
        created_at: text,
        created_by: z.number().int().optional(),
        is_same_as_current: z.boolean(),
      }),
    )
    .max(10_000),
});
export const historyAnswer = z.object({
  name: text,
  changes: z
    .array(
      z.object({
        at: text,
        kind: text,
        version,
        of_version: version.optional(),
        by_user_id: z.number().int().optional(),
      }),
    )
    .max(1_000),
});
export const revealAnswer = z.object({
  box: z.string().max(400_000).optional(),
  missing: z.array(text).max(100),
});
export const linkAnswer = z.object({ id: z.number().int(), url: text, version, expires_at: text });
const scoped = {
  scope: text,
  user_id: z.number().int().optional(),
  team_id: z.number().int().optional(),
  org_id: z.number().int().optional(),
};
const known = z.object({ name: text, ...scoped });
const share = z.object({
  id: z.number().int(),
  to: text,
  to_id: z.number().int().optional(),
  access: text,
  expires_at: text.optional(),
  accepted_as: z.array(known).max(1_000),
});
export const shareAnswer = z.object({ id: z.number().int() });
export const sharesAnswer = z.object({ shares: z.array(share).max(1_000) });
export const sharedAnswer = z.object({
  shares: z.array(share.extend({ name: text, from: z.object(scoped) })).max(1_000),
});
export const acceptAnswer = known;
export const versionAnswer = z.object({ name: text, version });
const moment = text.nullable();
export const jobAnswer = z.looseObject({
  job_id: text,
  status: text,
  username: text,
  provider: text,
  config_name: text,
  cost_usd: z.number().nullable(),
  message: z.string().max(100_000).nullable(),
  submitted_at: text,
  started_at: moment,
  ended_at: moment,
});
export const jobsAnswer = z.object({
  jobs: z.array(jobAnswer).max(1_000),
  total: z.number().int(),
  next_cursor: text.optional(),
});
export const submittedAnswer = z.looseObject({
  job_id: text,
  status: text,
  approval: z.looseObject({ reason: text }).optional(),
  warnings: z.array(text).max(100),
});
const task = z.looseObject({ job_id: text, parameters: z.record(text, z.unknown()), status: text });
export const arrayAnswer = z.looseObject({
  array_id: text,
  jobs: z.array(task).max(1_000),
  warnings: z.array(text).max(100).default([]),
});
export const cancelledArrayAnswer = z.object({ array_id: text, cancelled: z.int() });
export const cancelledAnswer = z.object({ job_id: text, status: text });
export const logsAnswer = z.object({
  logs: z.string().max(16_777_216),
  cursor: text,
  is_final: z.boolean(),
  truncated: z.boolean(),
});
export const nothing = z.undefined();
export const problem = z.object({
  detail: z.string().max(10_000).optional(),
  title: z.string().max(1_000).optional(),
  errors: z
    .array(z.object({ path: z.string().max(1_000), message: z.string().max(1_000) }))
    .max(1_000)
    .optional(),
});
