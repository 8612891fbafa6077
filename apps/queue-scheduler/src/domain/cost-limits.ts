import type { CostAction, CostPeriod } from '@lineclear/contracts';
import { endOf, startOf, type Period } from './period.js';

/** What is set of the cost limit of a provider. */
export interface CostSetting {
  readonly enabled: boolean;
  /** US dollars; null as long as none was named. */
  readonly amount: number | null;
  readonly period: CostPeriod;
  readonly action: CostAction;
}
export const NO_COST_LIMIT: CostSetting = { enabled: false, amount: null, period: 'monthly', action: 'warn' };

/** A provider's limit with what counts against it. */
export interface CostStanding extends CostSetting {
  readonly provider: string;
  /** What claims of this period set aside, or came to. */
  readonly spent: number;
  /** What jobs are expected to cost that have no slot yet: it counts against new jobs, not against claims. */
  readonly waiting: number;
}
/** One that is in force. */
export interface Limited extends CostStanding {
  readonly enabled: true;
  readonly amount: number;
}
export const isLimited = (one: CostStanding): one is Limited => one.enabled && one.amount !== null;

const PERIODS: Readonly<Record<CostPeriod, Period>> = { daily: 'day', weekly: 'week', monthly: 'month' };
export const startOfPeriod = (period: CostPeriod, at: Date): Date => startOf(PERIODS[period], at);
export const endOfPeriod = (period: CostPeriod, at: Date): Date => endOf(PERIODS[period], at);

const WARNS_FROM = 0.8;
// Sums of hundredths of a cent, in floating point.
const EPSILON = 1e-6;
const reaches = (usd: number, amount: number): boolean => usd > EPSILON && usd >= amount - EPSILON;

/** What is used of a provider, with what waits. Where costs turned out lower than was set aside a sum may be a hair below 0. */
const usedOf = ({ spent, waiting }: Pick<CostStanding, 'spent' | 'waiting'>): number =>
  Math.max(0, spent) + Math.max(0, waiting);

export function percentUsed(one: CostStanding): number {
  const used = usedOf(one);
  if (one.amount === null || used === 0) return 0;
  // Of nothing whatever is used is all of it.
  return one.amount === 0 ? 100 : Math.round((used / one.amount) * 10_000) / 100;
}

/** What there is to tell of a limit as it stands. */
export function reachedOf(one: Limited): 'warning' | 'exceeded' | undefined {
  if (reaches(usedOf(one), one.amount)) return 'exceeded';
  return reaches(usedOf(one), one.amount * WARNS_FROM) ? 'warning' : undefined;
}

/** What a new job of this cost makes of a limit. One that costs nothing makes nothing of it. */
export function judgeCost(one: Limited, usd: number): 'fits' | 'nears' | 'beyond' {
  if (usd <= 0) return 'fits';
  const before = usedOf(one);
  if (before + usd > one.amount + EPSILON) return 'beyond';
  const edge = one.amount * WARNS_FROM;
  return before < edge && reaches(before + usd, edge) ? 'nears' : 'fits';
}

/** Whether a job of this cost may have its slot: only what blocks keeps it, and only what others in its period had. */
export const affordsCost = (one: Limited, usd: number): boolean =>
  one.action !== 'block' || usd <= 0 || one.spent + usd <= one.amount + EPSILON;

export const withWaiting = (one: Limited, usd: number): Limited => ({ ...one, waiting: one.waiting + usd });
export const withSpent = (one: Limited, usd: number): Limited => ({ ...one, spent: one.spent + usd });

/** What a limit is called where it keeps a job: `waiting.limit`, and what a lane is held by. */
export const costLimitName = (provider: string): string => `cost:${provider}`;

const dollars = (usd: number): string => `$${usd.toFixed(2)}`;
const EACH: Readonly<Record<CostPeriod, string>> = {
  daily: 'a day',
  weekly: 'a week',
  monthly: 'a month',
};

/** For the person whose job goes beyond a limit, or near it. */
export function explainCost(one: Limited, usd: number, now: Date): string {
  const { provider, amount, period } = one;
  const limit = `the cost limit of ${provider} (${dollars(amount)} ${EACH[period]})`;
  const after = usedOf(one) + usd;
  return after > amount + EPSILON
    ? `${limit} does not leave enough: with this job it would be ${dollars(after)}; it starts anew at ${endOfPeriod(period, now).toISOString()}`
    : `with this job ${Math.round((after / amount) * 100)} % of ${limit} are used`;
}

/** For whoever asks how a limit stands. */
export function describeCost(one: CostStanding): string {
  if (!isLimited(one)) return `${one.provider} has no cost limit`;
  const waits = one.waiting > EPSILON ? `, ${dollars(one.waiting)} of them still waiting in the queue` : '';
  const says = `${dollars(usedOf(one))} of ${dollars(one.amount)} ${EACH[one.period]} are used on ${one.provider}${waits}`;
  const reached = reachedOf(one);
  if (reached === 'exceeded') return `cost limit reached: ${says}`;
  return reached === 'warning' ? `approaching the cost limit: ${says}` : says;
}

/** Whether people are to be told anew of a limit after this change: there is more room than what they were told of. */
export const isRoomier = (before: CostSetting, after: CostSetting): boolean =>
  (!before.enabled && after.enabled) || (after.amount ?? 0) > (before.amount ?? 0);
