import { QUOTA_ACTIONS, QUOTA_SCOPES, QUOTA_TYPES, slug, TEAM_ROLES } from '@lineclear/contracts';
import { z } from 'zod';
import { impactsOf } from '../domain/ceilings.js';
import type { Standings } from '../orgs/standings.js';

type PersonStanding = Awaited<ReturnType<Standings['of']>>;

const ceiling = { scope: z.enum(QUOTA_SCOPES), subject: z.string(), limit: z.number() };
const used = { use: z.number(), remaining: z.number(), action: z.enum(QUOTA_ACTIONS) };
const standingSchema = z.object({
  quota_type: z.enum(QUOTA_TYPES),
  /** null: nothing is limited. */
  limit: z.number().nullable(),
  use: z.number(),
  remaining: z.number().nullable(),
  source: z.enum(QUOTA_SCOPES).nullable(),
  binding: z.object(ceiling).nullable(),
  action: z.enum(QUOTA_ACTIONS).nullable(),
  ceilings: z.array(z.object({ ...ceiling, ...used })),
});
export const personStandingSchema = z.object({
  user_id: z.int(),
  org: z.object({ id: z.int(), slug }).nullable(),
  default_team_id: z.int().nullable(),
  /** Of a job that names no team. */
  quotas: z.array(standingSchema),
  /** Of jobs for each of the person's teams. */
  teams: z.array(
    z.object({
      team_id: z.int(),
      slug,
      role: z.enum(TEAM_ROLES),
      is_default: z.boolean(),
      quotas: z.array(standingSchema),
    }),
  ),
});

export const estimateSchema = z.object({
  estimated_cost: z.number(),
  would_exceed: z.boolean(),
  impacts: z.array(
    z.object({
      quota_type: z.enum(QUOTA_TYPES),
      ...ceiling,
      ...used,
      use_after: z.number(),
      would_exceed: z.boolean(),
    }),
  ),
});

/** How far somebody is from each ceiling, as the API shows it. */
export const personStandingView = (person: PersonStanding): z.infer<typeof personStandingSchema> => ({
  user_id: person.userId,
  org: person.org,
  default_team_id: person.defaultTeamId,
  quotas: person.standings.map(standingView),
  teams: person.teams.map(({ team, standings }) => ({
    team_id: team.id,
    slug: team.slug,
    role: team.role,
    is_default: team.id === person.defaultTeamId,
    quotas: standings.map(standingView),
  })),
});

/** What a job of this cost would make of somebody's ceilings on costs. */
export function estimateView(cost: number, { standings }: PersonStanding): z.infer<typeof estimateSchema> {
  const impacts = impactsOf(cost, standings);
  return {
    estimated_cost: cost,
    would_exceed: impacts.some(({ exceeds }) => exceeds),
    impacts: impacts.map(({ type, after, exceeds, ...rest }) => ({
      quota_type: type,
      ...rest,
      use_after: after,
      would_exceed: exceeds,
    })),
  };
}

const standingView = ({
  type,
  limit,
  use,
  remaining,
  source,
  binding,
  ceilings,
}: PersonStanding['standings'][number]): z.infer<typeof standingSchema> => ({
  quota_type: type,
  limit: limit ?? null,
  use,
  remaining: remaining ?? null,
  source: source ?? null,
  binding: binding ? { scope: binding.scope, subject: binding.subject, limit: binding.limit } : null,
  action: binding?.action ?? null,
  ceilings: [...ceilings],
});
