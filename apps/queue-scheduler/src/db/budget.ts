import type { Tx } from '@lineclear/kit';
import { affordsCost, costLimitName, endOfPeriod, isLimited, withSpent } from '../domain/cost-limits.js';
import { holdersOf } from '../domain/holders.js';
import type { Machine } from '../domain/pools.js';
import { NOTHING_USED, quotasOf, waitsUntil, withClaimed } from '../domain/quotas.js';
import * as costs from './costs.repo.js';
import type { Keeper, Next } from './lanes.repo.js';
import * as quotas from './quotas.repo.js';
import * as usage from './usage.repo.js';

/** Asked once for each job that would go, in their order: what it takes is gone for those behind it. Undefined for those that may. */
export type Budget = (job: Next) => Keeper | undefined;

/** What quotas on money and GPU time, and cost limits, leave for these; in a transaction that has entered. */
export async function budgetFor(
  tx: Tx,
  candidates: readonly Next[],
  machines: ReadonlyMap<string, Machine>,
  has: { readonly quotas: boolean; readonly costLimits: boolean },
  now: Date,
): Promise<Budget> {
  const providers = [...new Set(candidates.flatMap(({ pool }) => machines.get(pool)?.provider ?? []))];
  const [all, used, standings] = await Promise.all([
    has.quotas ? quotas.about(tx, quotas.subjectsOf(candidates)) : [],
    has.quotas ? usage.of(tx, [...new Set(candidates.flatMap(holdersOf))], now) : [],
    costs.standings(tx, has.costLimits ? providers : [], now),
  ]);
  const uses = new Map(used);
  const limits = new Map(standings.filter(isLimited).map((one) => [one.provider, one]));
  return (job) => {
    const until = waitsUntil(quotasOf(all, job), uses, job, now);
    if (until !== undefined) return { until, by: null };
    const limit = limits.get(machines.get(job.pool)?.provider ?? '');
    if (limit && !affordsCost(limit, job.usd))
      return { until: endOfPeriod(limit.period, now), by: costLimitName(limit.provider) };
    if (limit) limits.set(limit.provider, withSpent(limit, job.usd));
    for (const holder of holdersOf(job)) uses.set(holder, withClaimed(uses.get(holder) ?? NOTHING_USED, job));
    return undefined;
  };
}
