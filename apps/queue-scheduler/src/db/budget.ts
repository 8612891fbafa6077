import type { Tx } from '@lineclear/kit';
import { affordsCost, costLimitName, endOfPeriod, isLimited, withSpent } from '../domain/cost-limits.js';
import { holdersOf } from '../domain/holders.js';
import type { LaneKey } from '../domain/queue-changes.js';
import { NOTHING_USED, quotasOf, waitsUntil, withClaimed, type Load } from '../domain/quotas.js';
import * as costs from './costs.repo.js';
import type { Held } from './lanes.repo.js';
import * as quotas from './quotas.repo.js';
import * as usage from './usage.repo.js';

/** A queued job as what bounds money sees it. */
export interface Costly extends Load, LaneKey {}

interface Budget {
  /** Asked once for each job that would go, in their order: what it takes is gone for those behind it. */
  readonly affords: (job: Costly) => boolean;
  /** Lanes of those that must wait. */
  readonly held: Held[];
}

/** What quotas on money and GPU time, and cost limits, leave for these; in a transaction that has entered. */
export async function budgetFor(
  tx: Tx,
  candidates: readonly Costly[],
  providerOf: ReadonlyMap<string, string>,
  has: { readonly quotas: boolean; readonly costLimits: boolean },
  now: Date,
): Promise<Budget> {
  const providers = [...new Set(candidates.flatMap(({ pool }) => providerOf.get(pool) ?? []))];
  const [all, used, standings] = await Promise.all([
    has.quotas ? quotas.about(tx, quotas.subjectsOf(candidates)) : [],
    has.quotas ? usage.of(tx, [...new Set(candidates.flatMap(holdersOf))], now) : [],
    costs.standings(tx, has.costLimits ? providers : [], now),
  ]);
  const uses = new Map(used);
  const limits = new Map(standings.filter(isLimited).map((one) => [one.provider, one]));
  const held: Held[] = [];
  return {
    held,
    affords(job) {
      const until = waitsUntil(quotasOf(all, job), uses, job, now);
      if (until !== undefined) {
        held.push({ ...job, until, by: null });
        return false;
      }
      const limit = limits.get(providerOf.get(job.pool) ?? '');
      if (limit && !affordsCost(limit, job.usd)) {
        held.push({ ...job, until: endOfPeriod(limit.period, now), by: costLimitName(limit.provider) });
        return false;
      }
      if (limit) limits.set(limit.provider, withSpent(limit, job.usd));
      for (const holder of holdersOf(job))
        uses.set(holder, withClaimed(uses.get(holder) ?? NOTHING_USED, job));
      return true;
    },
  };
}
