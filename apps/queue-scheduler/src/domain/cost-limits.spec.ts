import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  affordsCost,
  describeCost,
  endOfPeriod,
  explainCost,
  isLimited,
  isRoomier,
  judgeCost,
  NO_COST_LIMIT,
  percentUsed,
  reachedOf,
  startOfPeriod,
  withSpent,
  withWaiting,
  type CostSetting,
  type Limited,
} from './cost-limits.js';

// A Saturday.
const NOW = new Date('2026-11-28T20:15:30Z');
const limit = (more: Partial<Limited> = {}): Limited => ({
  provider: 'acme',
  enabled: true,
  amount: 100,
  period: 'monthly',
  action: 'block',
  spent: 0,
  waiting: 0,
  ...more,
});

describe('periods', () => {
  it.each([
    ['daily', '2026-11-28', '2026-11-29'],
    ['weekly', '2026-11-23', '2026-11-30'],
    ['monthly', '2026-11-01', '2026-12-01'],
  ] as const)('%s goes from %s to %s', (period, from, to) => {
    expect(startOfPeriod(period, NOW)).toEqual(new Date(`${from}T00:00:00Z`));
    expect(endOfPeriod(period, NOW)).toEqual(new Date(`${to}T00:00:00Z`));
  });

  it.each([
    ['2026-11-22T23:59:59.999Z', '2026-11-16'],
    ['2026-11-23T00:00:00Z', '2026-11-23'],
    ['2027-01-01T00:00:00Z', '2026-12-28'],
  ])('the week of %s began on Monday %s', (at, monday) => {
    expect(startOfPeriod('weekly', new Date(at))).toEqual(new Date(`${monday}T00:00:00Z`));
  });
});

describe('a new job', () => {
  it.each<[string, Partial<Limited>, number, 'fits' | 'nears' | 'beyond']>([
    ['far below', { spent: 10 }, 10, 'fits'],
    ['up to four fifths', { spent: 70 }, 10, 'nears'],
    ['from there on', { spent: 80 }, 10, 'fits'],
    ['up to all of it', { spent: 50, waiting: 40 }, 10, 'fits'],
    ['one cent too much', { spent: 50, waiting: 40 }, 10.01, 'beyond'],
    ['with sums that are no round numbers', { spent: 0.1 + 0.2, amount: 0.6 }, 0.3, 'nears'],
    ['over it already, and costs nothing', { spent: 200 }, 0, 'fits'],
    ['where nothing may be spent', { amount: 0 }, 0.01, 'beyond'],
  ])('%s', (_, more, usd, verdict) => {
    expect(judgeCost(limit(more), usd)).toBe(verdict);
  });

  it('is told by how much, and until when', () => {
    expect(explainCost(limit({ spent: 95 }), 10, NOW)).toBe(
      'the cost limit of acme ($100.00 a month) does not leave enough: with this job it would be $105.00; it starts anew at 2026-12-01T00:00:00.000Z',
    );
    expect(explainCost(limit({ spent: 75, period: 'daily' }), 10, NOW)).toBe(
      'with this job 85 % of the cost limit of acme ($100.00 a day) are used',
    );
  });
});

describe('a claim', () => {
  it.each<[string, Partial<Limited>, number, boolean]>([
    ['what is left', { spent: 90, waiting: 500 }, 10, true],
    ['more than what is left', { spent: 90 }, 10.01, false],
    ['more, where it only warns', { spent: 90, action: 'warn' }, 50, true],
    ['more, where admins are told', { spent: 90, action: 'notify' }, 50, true],
    ['nothing', { spent: 900 }, 0, true],
  ])('of %s', (_, more, usd, affords) => {
    expect(affordsCost(limit(more), usd)).toBe(affords);
  });
});

it('that blocks is never exceeded, whatever is submitted and claimed in whatever order', () => {
  const jobs = fc.array(fc.integer({ min: 0, max: 60_000 }).map((cents) => cents / 100));
  fc.assert(
    fc.property(jobs, jobs, fc.integer({ min: 0, max: 1_000 }), (submitted, queued, amount) => {
      let one = limit({ amount, waiting: 0 });
      for (const usd of submitted) if (judgeCost(one, usd) !== 'beyond') one = withWaiting(one, usd);
      expect(one.waiting).toBeLessThanOrEqual(amount + 1e-6);
      for (const usd of queued) if (affordsCost(one, usd)) one = withSpent(one, usd);
      expect(one.spent).toBeLessThanOrEqual(amount + 1e-6);
    }),
  );
});

describe('how a limit stands', () => {
  it.each<[Partial<Limited>, number, 'warning' | 'exceeded' | undefined]>([
    [{ spent: 79.99 }, 79.99, undefined],
    [{ spent: 70, waiting: 10 }, 80, 'warning'],
    [{ spent: 99.99 }, 99.99, 'warning'],
    [{ spent: 60, waiting: 40 }, 100, 'exceeded'],
    [{ spent: 150 }, 150, 'exceeded'],
    [{ amount: 0 }, 0, undefined],
    [{ amount: 0, spent: 1 }, 100, 'exceeded'],
    [{ spent: -1e-9 }, 0, undefined],
  ])('%j: %d %%, %s', (more, percent, reached) => {
    expect([percentUsed(limit(more)), reachedOf(limit(more))]).toEqual([percent, reached]);
  });

  it.each<[Partial<Limited>, string]>([
    [{ spent: 10 }, '$10.00 of $100.00 a month are used on acme'],
    [
      { spent: 60, waiting: 25 },
      'approaching the cost limit: $85.00 of $100.00 a month are used on acme, $25.00 of them still waiting in the queue',
    ],
    [{ spent: 100, period: 'weekly' }, 'cost limit reached: $100.00 of $100.00 a week are used on acme'],
  ])('in words: %j', (more, words) => {
    expect(describeCost(limit(more))).toBe(words);
  });

  it('is not in force without an amount or switched off', () => {
    const off = { ...limit({ spent: 500 }), enabled: false };
    expect([isLimited(off), isLimited({ ...off, enabled: true, amount: null })]).toEqual([false, false]);
    expect(describeCost(off)).toBe('acme has no cost limit');
  });
});

it.each<[string, Partial<CostSetting>, Partial<CostSetting>, boolean]>([
  ['raised', { amount: 100 }, { amount: 101 }, true],
  ['lowered', { amount: 100 }, { amount: 99 }, false],
  ['left alone', { amount: 100 }, { amount: 100, action: 'warn' }, false],
  ['switched on', { enabled: false, amount: 100 }, { amount: 50 }, true],
])('a limit that is %s', (_, before, after, isNews) => {
  const on = { ...NO_COST_LIMIT, enabled: true };
  expect(isRoomier({ ...on, ...before }, { ...on, ...after })).toBe(isNews);
});
