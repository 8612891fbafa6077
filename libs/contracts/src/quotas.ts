import { z } from 'zod';

/** What quotas limit. Hours, days and months are those of UTC; an hour on eight GPUs is eight GPU hours. */
export const QUOTA_TYPES = [
  'concurrent_jobs',
  'jobs_per_hour',
  'jobs_per_day',
  'cost_daily',
  'cost_monthly',
  'gpu_hours_monthly',
] as const;
export type QuotaType = (typeof QUOTA_TYPES)[number];

/** What happens to the job that goes beyond: it is let in with a warning, or told to admins, or held for a human, or refused. */
export const QUOTA_ACTIONS = ['warn', 'notify', 'require_approval', 'block'] as const;
export type QuotaAction = (typeof QUOTA_ACTIONS)[number];

/**
 * Whom a quota is about. `global`, `level` and `user` limit what one person uses, and the most particular of them counts;
 * `team` and `org` limit what all of their people use together.
 */
export const QUOTA_SCOPES = ['global', 'level', 'user', 'team', 'org'] as const;
export type QuotaScope = (typeof QUOTA_SCOPES)[number];

/** Which org, team, user (its id) or level (its name); `*` for everyone. */
const subject = z.string().min(1).max(40);
/** US dollars for costs, hours for GPU hours, otherwise a number of jobs. */
export const quotaLimit = z.number().min(0).max(1_000_000_000);

export const quotaKey = z.object({
  scope: z.enum(QUOTA_SCOPES),
  subject,
  quota_type: z.enum(QUOTA_TYPES),
});
export type QuotaKey = z.infer<typeof quotaKey>;
export const quota = quotaKey.extend({ limit: quotaLimit, action: z.enum(QUOTA_ACTIONS) });
export type Quota = z.infer<typeof quota>;

export const orgId = z.int().min(1);
export const teamId = z.int().min(1);
/** The name of an org or a team in addresses and requests. */
export const slug = z.string().regex(/^[a-z0-9-]{1,50}$/, 'is not 1 to 50 of the characters a-z 0-9 -');
/** What a person is in a team. */
export const TEAM_ROLES = ['member', 'lead', 'admin'] as const;
export type TeamRole = (typeof TEAM_ROLES)[number];
export const MAX_TEAMS_OF_A_PERSON = 50;
