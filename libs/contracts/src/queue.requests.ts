import { z } from 'zod';
import { jobFacts } from './approvals.requests.js';
import { instant, jobId, orgId, userId } from './fields.js';
import { QUOTA_TYPES, teamId } from './quotas.js';
import { defineRequest } from './request.js';

const use = z.record(z.enum(QUOTA_TYPES), z.number().min(0));

/** How much of what quotas limit a person, their teams and their organisation use right now, of every type. */
export const usageOf = defineRequest(
  'queue.usage',
  z.object({ user_id: userId, team_ids: z.array(teamId).max(50), org_id: orgId.optional() }),
  z.object({
    user: use,
    teams: z.array(z.object({ id: teamId, use })),
    org: use.optional(),
  }),
);
export type Use = z.infer<typeof use>;

export const MAX_PAST_JOBS = 200;

/** What approval rules looked at of jobs that were submitted since, oldest first, behind `after`; of `tenant`'s alone where it is given (null: of none). */
export const pastJobs = defineRequest(
  'queue.past_jobs',
  z.object({
    since: instant,
    after: jobId.optional(),
    tenant: orgId.nullable().optional(),
    limit: z.int().min(1).max(MAX_PAST_JOBS),
  }),
  z.object({ jobs: z.array(jobFacts).max(MAX_PAST_JOBS) }),
);
