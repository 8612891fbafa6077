import { z } from 'zod';
import { userId, username } from './fields.js';
import { levelName, MAX_LEVELS, PERMISSIONS } from './permissions.js';
import { MAX_TEAMS_OF_A_PERSON, orgId, slug, TEAM_ROLES, teamId } from './quotas.js';
import { MAX_RESOURCE_RULES, resourceRule } from './resource-rules.js';

/** Who is calling and what they may do: permissions after overrides and after the key's scope. */
export const principal = z.object({
  user_id: userId,
  username,
  email: z.email().max(254),
  level: levelName,
  /** The level's own number: the higher goes first. */
  level_priority: z.int().min(1).max(1_000),
  /** The names of all levels that are not above this one, itself among them. */
  reaches: z.array(levelName).min(1).max(MAX_LEVELS),
  permissions: z.array(z.enum(PERMISSIONS)),
  /** `internal` is the network alone: a caller without any credential. */
  via: z.enum(['session', 'api_key', 'internal']),
  /** The session's or the key's id, so that one of them can be dropped from caches; of an internal caller the account's. */
  credential_id: z.int().min(1),
  expires_at: z.iso.datetime().optional(),
  /** The networks (CIDR) that the key may be used from; without it, from anywhere. */
  allowed_cidrs: z.array(z.string().max(64)).max(100).optional(),
  /** The rules of this person and their level on what jobs may take, the most important first. None at all: nothing is restricted. */
  resource_rules: z.array(resourceRule).max(MAX_RESOURCE_RULES).optional(),
  /** The organisation that the person belongs to; without one they are the house's own. */
  org: z.object({ id: orgId, slug }).optional(),
  /** Teams of that organisation, in the order in which the person joined them. */
  teams: z
    .array(z.object({ id: teamId, slug, role: z.enum(TEAM_ROLES) }))
    .max(MAX_TEAMS_OF_A_PERSON)
    .optional(),
});
export type Principal = z.infer<typeof principal>;
