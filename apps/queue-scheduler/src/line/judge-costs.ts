import type { Tx } from '@lineclear/kit';
import * as costs from '../db/costs.repo.js';
import {
  endOfPeriod,
  explainCost,
  isLimited,
  judgeCost,
  withWaiting,
  type Limited,
} from '../domain/cost-limits.js';
import type { Job } from '../domain/job.js';

/** What the cost limit of a new job's provider makes of it. */
export interface CostVerdict {
  /** It goes beyond what blocks. */
  readonly refusal?: { readonly reason: string; readonly until: Date; readonly limit: Limited };
  readonly warning?: string;
}
export interface CostJudge {
  readonly judge: (job: Job) => CostVerdict;
  /** It is let in, and counts for those behind it. */
  readonly count: (job: Job) => void;
}

/** Judges new jobs one after the other by the cost limits of their providers, in a transaction that has entered. */
export async function costJudge(tx: Tx, jobs: readonly Job[], now: Date): Promise<CostJudge> {
  const found = await costs.standings(tx, [...new Set(jobs.map(({ provider }) => provider))], now);
  const limits = new Map(found.filter(isLimited).map((one) => [one.provider, one]));
  return {
    judge({ provider, estimatedCostUsd: usd }) {
      const limit = limits.get(provider);
      const verdict = limit && judgeCost(limit, usd);
      if (!limit || verdict === 'fits') return {};
      const reason = explainCost(limit, usd, now);
      if (verdict === 'beyond' && limit.action === 'block')
        return { refusal: { reason, until: endOfPeriod(limit.period, now), limit } };
      // `notify` is for admins alone.
      return limit.action === 'notify' ? {} : { warning: reason };
    },
    count({ provider, estimatedCostUsd }) {
      const limit = limits.get(provider);
      if (limit) limits.set(provider, withWaiting(limit, estimatedCostUsd));
    },
  };
}
