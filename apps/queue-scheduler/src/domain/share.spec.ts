import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charged, chargeOf, halfLivesAt } from './share.js';

const DAY = 86_400;
const policy = { halfLifeSeconds: 7 * DAY };
const at = (days: number): Date => new Date(Date.UTC(2026, 0, 1) + days * DAY * 1_000);

describe('what is used and forgotten', () => {
  it.each([
    [{ estimatedCostUsd: 12, gpus: 8, estimatedDurationSeconds: 3_600 }, 12],
    [{ estimatedCostUsd: 0, gpus: 8, estimatedDurationSeconds: 1_800 }, 4],
    [{ estimatedCostUsd: 0, gpus: 0, estimatedDurationSeconds: 3_600 }, 1],
  ])('%j is charged %d', (job, charge) => expect(chargeOf(job)).toBe(charge));

  it('orders as exactly decayed sums do, at any later time', () => {
    const uses = fc.array(
      fc.record({
        day: fc.integer({ min: 0, max: 365 }),
        cost: fc.double({ min: 0.01, max: 500, noNaN: true }),
      }),
      {
        minLength: 1,
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(uses, uses, fc.integer({ min: 366, max: 800 }), (one, other, later) => {
        const keyOf = (all: typeof one): number =>
          all
            .toSorted((a, b) => a.day - b.day)
            .reduce((key, { day, cost }) => charged(key, cost, halfLivesAt(at(day), policy)), 0);
        const exactly = (all: typeof one): number =>
          all.reduce((sum, { day, cost }) => sum + cost * 2 ** ((day - later) / 7), 0);
        const [a, b] = [exactly(one), exactly(other)];
        fc.pre(Math.abs(a - b) > 1e-6 * Math.max(a, b));
        expect(keyOf(one) < keyOf(other)).toBe(a < b);
      }),
    );
  });

  it('takes a charge back as if it had never been, at the time at which it was made', () => {
    const then = halfLivesAt(at(3), policy);
    const before = charged(0, 5, halfLivesAt(at(1), policy));
    const after = charged(charged(charged(before, 40, then), 7, halfLivesAt(at(9), policy)), -40, then);
    expect(after).toBeCloseTo(charged(before, 7, halfLivesAt(at(9), policy)), 9);
    expect(charged(charged(0, 40, then), -40, then)).toBeLessThan(then);
  });
});
