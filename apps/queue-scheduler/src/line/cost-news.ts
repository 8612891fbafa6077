import { event, type Outgoing } from '@lineclear/bus';
import { costExceeded, costWarning, type CostStandingData } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import * as costs from '../db/costs.repo.js';
import {
  costLimitName,
  endOfPeriod,
  isLimited,
  percentUsed,
  reachedOf,
  type Limited,
} from '../domain/cost-limits.js';
import { usd } from '../domain/price.js';
import type { SpendDelta } from '../domain/provider-spend.js';

const viewed = (limit: Limited, now: Date): CostStandingData => ({
  provider: limit.provider,
  limit_amount: limit.amount,
  period: limit.period,
  action: limit.action,
  current_spend: usd(limit.spent),
  waiting: usd(limit.waiting),
  percent_used: percentUsed(limit),
  period_ends_at: endOfPeriod(limit.period, now).toISOString(),
});

/** Books what changes of jobs cost; how the limits of the providers stand with it. */
export async function bookCosts(tx: Tx, deltas: readonly SpendDelta[], now: Date): Promise<Limited[]> {
  if (deltas.length === 0) return [];
  const providers = [...new Set(deltas.map(({ provider }) => provider))];
  const [, standings] = await Promise.all([costs.book(tx, deltas), costs.standings(tx, providers, now)]);
  return standings.filter(isLimited);
}

/** What limits leave for claims. */
export const leftOf = (limits: readonly Limited[]): { by: string; usd: number }[] =>
  limits.map(({ provider, amount, spent }) => ({ by: costLimitName(provider), usd: amount - spent }));

/** What is to be told of limits that stand so, if nobody was told of it in their period. */
export async function costNews(tx: Tx, limits: readonly Limited[], now: Date): Promise<Outgoing[]> {
  const news: Outgoing[] = [];
  for (const limit of limits) {
    const what = reachedOf(limit);
    const until = endOfPeriod(limit.period, now);
    if (what === undefined || !(await costs.tell(tx, limit.provider, what, until))) continue;
    // When money comes back, most of it is used once more: that is no news.
    if (what === 'exceeded') await costs.tell(tx, limit.provider, 'warning', until);
    const about = { about: `provider/${limit.provider}` };
    news.push(
      what === 'warning'
        ? event(costWarning, viewed(limit, now), about)
        : event(costExceeded, { ...viewed(limit, now), refused: false }, about),
    );
  }
  return news;
}

/** That a job was refused that would have gone beyond this limit, likewise. */
export async function refusalNews(tx: Tx, limit: Limited, now: Date): Promise<Outgoing[]> {
  if (!(await costs.tell(tx, limit.provider, 'exceeded', endOfPeriod(limit.period, now)))) return [];
  const data = { ...viewed(limit, now), refused: true };
  return [event(costExceeded, data, { about: `provider/${limit.provider}` })];
}
