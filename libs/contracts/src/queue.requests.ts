import { z } from 'zod';
import { orgId, userId } from './fields.js';
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
