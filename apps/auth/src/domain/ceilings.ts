import type { Quota, QuotaAction, QuotaScope, QuotaType, Use } from '@lineclear/contracts';

/** What each type counts. */
export const UNITS = {
  concurrent_jobs: 'jobs',
  jobs_per_hour: 'jobs',
  jobs_per_day: 'jobs',
  cost_daily: 'usd',
  cost_monthly: 'usd',
  gpu_hours_monthly: 'gpu_hours',
} as const satisfies Record<QuotaType, string>;

/** What is wrong with a limit of this type, whoever it is for. */
export const limitFault = (type: QuotaType, limit: number): string | undefined =>
  UNITS[type] === 'jobs' && !Number.isInteger(limit)
    ? `is not a whole number, as ${type} counts jobs`
    : undefined;

/** What is wrong with a limit for a team whose organisation has this ceiling. An organisation without one bounds nothing. */
export const teamLimitFault = (limit: number, ceiling: number | undefined): string | undefined =>
  ceiling !== undefined && limit > ceiling ? `is above the organization's ceiling of ${ceiling}` : undefined;

/** Whom a job counts for: one person, in one of their teams. */
export interface Place {
  readonly userId: number;
  readonly level: string;
  readonly orgId: number | undefined;
  readonly teamId: number | undefined;
}

interface Ceiling {
  readonly scope: QuotaScope;
  readonly subject: string;
  readonly limit: number;
  readonly action: QuotaAction;
}

export interface Bounds {
  /** Where the personal limit comes from: one's own quota, or the level's, or everyone's. */
  readonly source: QuotaScope | undefined;
  /** The lowest of the ceilings, the personal one first where several are as low. None: nothing is limited. */
  readonly binding: Ceiling | undefined;
  /** The personal limit, the team's and the organisation's, as far as there are any. */
  readonly ceilings: readonly Ceiling[];
}

/** What bounds this type of use at this place. */
export function boundsOf(type: QuotaType, place: Place, quotas: readonly Quota[]): Bounds {
  const of = (scope: QuotaScope, subject: string | number | undefined): Quota | undefined =>
    quotas.find((one) => one.quota_type === type && one.scope === scope && one.subject === String(subject));
  const personal = of('user', place.userId) ?? of('level', place.level) ?? of('global', '*');
  const ceilings = [personal, of('team', place.teamId), of('org', place.orgId)]
    .filter((quota) => quota !== undefined)
    .map(({ scope, subject, limit, action }) => ({ scope, subject, limit, action }));
  const [first, ...others] = ceilings;
  return {
    source: personal?.scope,
    binding: others.reduce((lowest, one) => (lowest && one.limit < lowest.limit ? one : lowest), first),
    ceilings,
  };
}

/** What is used by the person, and by all people of the team and the organisation together. */
export interface UseAt {
  readonly user: Use;
  readonly team: Use | undefined;
  readonly org: Use | undefined;
}

interface UsedCeiling extends Ceiling {
  readonly use: number;
  readonly remaining: number;
}

interface Standing {
  readonly type: QuotaType;
  readonly limit: number | undefined;
  /** The person's own. */
  readonly use: number;
  /** What the fullest of the ceilings leaves, which need not be the lowest. */
  readonly remaining: number | undefined;
  readonly source: QuotaScope | undefined;
  readonly binding: Ceiling | undefined;
  readonly ceilings: readonly UsedCeiling[];
}

/** How far somebody is from each ceiling of this type. */
export function standingAt(type: QuotaType, { source, binding, ceilings }: Bounds, at: UseAt): Standing {
  const used = ceilings.map((ceiling): UsedCeiling => {
    const use = useUnder(ceiling.scope, at)[type];
    return { ...ceiling, use, remaining: Math.max(0, ceiling.limit - use) };
  });
  return {
    type,
    limit: binding?.limit,
    use: at.user[type],
    remaining: used.length === 0 ? undefined : Math.min(...used.map(({ remaining }) => remaining)),
    source,
    binding,
    ceilings: used,
  };
}

/** @throws when it is not known: a use that nobody told is no use of nothing. */
function useUnder(scope: QuotaScope, { user, team, org }: UseAt): Use {
  const use = scope === 'team' ? team : scope === 'org' ? org : user;
  if (!use) throw new Error(`the use of the ${scope} is not known`);
  return use;
}

interface Impact extends UsedCeiling {
  readonly type: QuotaType;
  readonly after: number;
  readonly exceeds: boolean;
}

/** What a job of this cost would make of every ceiling on costs. */
export const impactsOf = (cost: number, standings: readonly Standing[]): Impact[] =>
  standings
    .filter(({ type }) => UNITS[type] === 'usd')
    .flatMap(({ type, ceilings }) =>
      ceilings.map((ceiling) => {
        const after = ceiling.use + cost;
        return { ...ceiling, type, after, exceeds: after > ceiling.limit };
      }),
    );
