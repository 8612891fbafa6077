import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptied, take, type Purpose, type Rate } from './token-bucket.js';

const RATE = { perSecond: 2, burst: 8 };

/** How many calls of this kind a bucket grants at one moment. */
function granted(fullAtMs: number, nowMs: number, rate: Rate, purpose: Purpose): number {
  let at = fullAtMs;
  for (let count = 0; ; count += 1) {
    const taken = take(at, nowMs, rate, purpose);
    if ('waitMs' in taken) return count;
    at = taken.fullAtMs;
  }
}

describe('what is in a bucket', () => {
  it.each<[string, number, number, Rate, Purpose, number]>([
    ['a full one', 0, 1_000, RATE, 'dispatch', 8],
    ['a full one, for looks', 0, 1_000, RATE, 'look', 6],
    ['half of it', 3_000, 1_000, RATE, 'dispatch', 4],
    ['half of it, for looks', 3_000, 1_000, RATE, 'look', 2],
    ['what looks leave', 4_000, 1_000, RATE, 'look', 0],
    ['what looks leave, for dispatch', 4_000, 1_000, RATE, 'dispatch', 2],
    ['an empty one', 5_000, 1_000, RATE, 'dispatch', 0],
    ['one that never holds more than one', 0, 1_000, { perSecond: 1 / 12, burst: 1 }, 'look', 1],
    ['thirds', 0, 1.8e12 + 1 / 3, { perSecond: 3, burst: 9 }, 'dispatch', 9],
    ['one that was emptied', emptied(0, 1_000, RATE), 1_000, RATE, 'dispatch', 0],
    ['one that was emptied for a while', emptied(0, 61_000, RATE), 61_000, RATE, 'dispatch', 0],
    ['the same a moment later', emptied(0, 61_000, RATE), 61_500, RATE, 'dispatch', 1],
  ])('%s', (_, fullAtMs, nowMs, rate, purpose, expected) => {
    expect(granted(fullAtMs, nowMs, rate, purpose)).toBe(expected);
  });
});

const rates = fc.record({
  perSecond: fc.double({ min: 0.05, max: 100, noNaN: true }),
  burst: fc.integer({ min: 1, max: 50 }),
});
const calls = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 5_000 }),
    purpose: fc.constantFrom<Purpose>('dispatch', 'look'),
  }),
  { maxLength: 200 },
);

it('lets no more through in any stretch of time than the burst and what came in meanwhile', () => {
  fc.assert(
    fc.property(rates, calls, (rate, asked) => {
      let nowMs = 1.8e12;
      let fullAtMs = 0;
      const at: number[] = [];
      for (const { afterMs, purpose } of asked) {
        nowMs += afterMs;
        const taken = take(fullAtMs, nowMs, rate, purpose);
        if ('waitMs' in taken) continue;
        fullAtMs = taken.fullAtMs;
        at.push(nowMs);
      }
      for (const [first, from] of at.entries())
        for (const [last, to] of at.entries())
          if (last >= first)
            expect(last - first + 1).toBeLessThanOrEqual(
              rate.burst + (rate.perSecond * (to - from)) / 1_000 + 0.01,
            );
    }),
  );
});

it('has enough after the time that it says, and not before', () => {
  fc.assert(
    fc.property(
      rates,
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.constantFrom<Purpose>('dispatch', 'look'),
      (rate, fullAtMs, purpose) => {
        const taken = take(fullAtMs, 0, rate, purpose);
        if (!('waitMs' in taken)) return;
        expect(take(fullAtMs, taken.waitMs, rate, purpose)).toHaveProperty('fullAtMs');
        expect(granted(fullAtMs, taken.waitMs - 1, rate, purpose)).toBe(0);
      },
    ),
  );
});
