import fc from 'fast-check';
import { expect, it } from 'vitest';
import { moneyOf, projected, rateSince, reachedAt, type Books, type Money } from './forecast.js';

// Six and a half days after the rate begins, and two and a half before the month ends.
const NOW = new Date('2026-11-28T12:00:00Z');
const MONTH_END = new Date('2026-12-01T00:00:00Z');
const money = (more: Partial<Money> = {}): Money => ({
  spent: 0,
  reserved: 0,
  waiting: 0,
  perDay: 0,
  ...more,
});

it('rates today and the six days before', () => {
  expect(rateSince(NOW)).toEqual(new Date('2026-11-22T00:00:00Z'));
  expect(moneyOf({ period: 100, reserved: 30, waiting: 5, recent: 65 }, NOW)).toEqual({
    spent: 70,
    reserved: 30,
    waiting: 5,
    perDay: 10,
  });
});

it.each<[string, Partial<Money>, number]>([
  ['nothing', {}, 0],
  ['what is spent, set aside and waiting', { spent: 10, reserved: 5, waiting: 2 }, 17],
  ['and the rate for the days that are left', { spent: 10, perDay: 4 }, 20],
])('comes to %s', (_, more, usd) => {
  expect(projected(money(more), NOW, MONTH_END)).toBe(usd);
});

it.each<[string, number, Partial<Money>, string | null]>([
  ['is reached where it is already', 10, { spent: 6, waiting: 4 }, '2026-11-28T12:00:00.000Z'],
  ['is reached when the rate says so', 20, { spent: 10, perDay: 10 }, '2026-11-29T12:00:00.000Z'],
  ['is reached on the last moment', 35, { spent: 10, perDay: 10 }, '2026-12-01T00:00:00.000Z'],
  ['is not reached before the period is over', 36, { spent: 10, perDay: 10 }, null],
  ['is never reached where nothing is spent', 36, { spent: 10 }, null],
])('a budget %s', (_, amount, more, at) => {
  expect(reachedAt(amount, money(more), NOW, MONTH_END)?.toISOString() ?? null).toBe(at);
});

const usd = fc.double({ min: -1, max: 1_000_000, noNaN: true });
const books: fc.Arbitrary<Books> = fc.record({ period: usd, reserved: usd, waiting: usd, recent: usd });
const moments = fc.date({ min: new Date('2026-11-01T00:00:00Z'), max: MONTH_END, noInvalidDate: true });

it('is never negative, and never less or later for more', () => {
  fc.assert(
    fc.property(
      books,
      moments,
      fc.constantFrom('period', 'waiting', 'recent'),
      fc.double({ min: 0, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 1_000_000, noNaN: true }),
      (given, now, what, more, amount) => {
        const less = moneyOf(given, now);
        const greater = moneyOf({ ...given, [what]: given[what as keyof Books] + more }, now);
        for (const value of [...Object.values(less), projected(less, now, MONTH_END)])
          expect(value).toBeGreaterThanOrEqual(0);
        expect(projected(greater, now, MONTH_END)).toBeGreaterThanOrEqual(projected(less, now, MONTH_END));
        const [soon, late] = [greater, less].map((one) => reachedAt(amount, one, now, MONTH_END)?.getTime());
        if (late !== undefined) expect(soon).toBeLessThanOrEqual(late);
      },
    ),
  );
});
