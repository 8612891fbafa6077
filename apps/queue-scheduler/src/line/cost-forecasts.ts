import type { Principal, Quota } from '@lineclear/contracts';
import type { Queryable } from '@lineclear/kit';
import * as costs from '../db/costs.repo.js';
import * as books from '../db/forecast.repo.js';
import * as quotas from '../db/quotas.repo.js';
import { costLimitName, endOfPeriod, isLimited } from '../domain/cost-limits.js';
import { moneyOf, projected, reachedAt, type Money } from '../domain/forecast.js';
import { idOf, scopeOf, type Holder } from '../domain/holders.js';
import { endOf } from '../domain/period.js';
import { quotasOf } from '../domain/quotas.js';

/** What bounds somebody's or a provider's money, and when it is reached at the present rate. */
export interface Bound {
  /** `quota:org:1` or `cost:replicate`. */
  readonly limit: string;
  readonly amount: number;
  readonly period: 'daily' | 'weekly' | 'monthly';
  readonly action: string;
  readonly periodEndsAt: Date;
  readonly projected: number;
  readonly reachedAt: Date | null;
}
export interface Forecast extends Money {
  /** A holder, or `provider:` and its name. */
  readonly subject: string;
  readonly projected: number;
  readonly bounds: readonly Bound[];
}

/** Of holders, each with the monthly budget that binds it; `level` is the one of a person among them. */
export async function ofHolders(
  db: Queryable,
  holders: readonly Holder[],
  level: string,
  now: Date,
): Promise<Forecast[]> {
  const ids = (scope: string): number[] => holders.filter((holder) => scopeOf(holder) === scope).map(idOf);
  const [known, all] = await Promise.all([
    books.ofHolders(db, holders, now),
    quotas.about(db, { userIds: ids('user'), levels: [level], teamIds: ids('team'), orgIds: ids('org') }),
  ]);
  const until = endOf('month', now);
  return holders.map((holder) => {
    const money = moneyOf(known.get(holder) ?? NOTHING, now);
    const bounds = budgetsOf(all, holder, level).map(({ scope, subject, limit: amount, action }): Bound => ({
      limit: `quota:${scope}:${subject}`,
      amount,
      period: 'monthly',
      action,
      periodEndsAt: until,
      projected: projected(money, now, until),
      reachedAt: reachedAt(amount, money, now, until),
    }));
    return { subject: holder, ...money, projected: projected(money, now, until), bounds };
  });
}

/** Of providers, each with its cost limit. */
export async function ofProviders(
  db: Queryable,
  providers: readonly string[],
  now: Date,
): Promise<Forecast[]> {
  const [known, standings] = await Promise.all([
    books.ofProviders(db, providers, now),
    costs.standings(db, providers, now),
  ]);
  const until = endOf('month', now);
  return standings.map((standing) => {
    const kept = known.get(standing.provider) ?? NOTHING;
    const money = moneyOf(kept, now);
    const bounds = [standing].filter(isLimited).map(({ provider, amount, period, action, spent }): Bound => {
      const end = endOfPeriod(period, now);
      // What of it still runs makes no difference to what it comes to.
      const own = moneyOf({ ...kept, period: spent, reserved: 0 }, now);
      return {
        limit: costLimitName(provider),
        amount,
        period,
        action,
        periodEndsAt: end,
        projected: projected(own, now, end),
        reachedAt: reachedAt(amount, own, now, end),
      };
    });
    return {
      subject: `provider:${standing.provider}`,
      ...money,
      projected: projected(money, now, until),
      bounds,
    };
  });
}

/** A person, the teams that they are in, and their organisation. */
export const holdersOfPerson = ({ user_id, teams = [], org }: Principal): Holder[] => [
  `user:${user_id}`,
  ...teams.map(({ id }): Holder => `team:${id}`),
  ...(org ? [`org:${org.id}` as const] : []),
];

const NOTHING = { period: 0, reserved: 0, waiting: 0, recent: 0 };
const NOBODY = 0;

function budgetsOf(all: readonly Quota[], holder: Holder, level: string): Quota[] {
  const scope = scopeOf(holder);
  const id = idOf(holder);
  const whose = {
    userId: scope === 'user' ? id : NOBODY,
    teamId: scope === 'team' ? id : null,
    orgId: scope === 'org' ? id : null,
    level,
  };
  return quotasOf(all, whose).filter(
    (quota) =>
      quota.quota_type === 'cost_monthly' &&
      (scope === 'user' ? quota.scope !== 'team' && quota.scope !== 'org' : quota.scope === scope),
  );
}
