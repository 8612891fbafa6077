import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backoffMsOf,
  graceMsOf,
  shortened,
  stepAfterFailure,
  stepAfterGrant,
  type LeaseStep,
} from './lease-schedule.js';

const HOUR = 3_600_000;
const dice = fc.double({ min: 0, max: 0.999_999, noNaN: true });

describe('a lease that was just granted', () => {
  it.each<[string, number, boolean, number, LeaseStep]>([
    ['is renewed at 70 % with the shortest grace', 0, true, HOUR, { act: 'renew', inMs: 2_520_000 }],
    ['is renewed before 74 % with the longest', 0.999_999, true, HOUR, { act: 'renew', inMs: 2_639_999 }],
    ['is replaced then when it cannot be renewed', 0, false, HOUR, { act: 'replace', inMs: 2_520_000 }],
    ['is never asked about more than once a second', 0, true, 100, { act: 'renew', inMs: 1_000 }],
  ])('%s', (_what, roll, renewable, ttlMs, step) =>
    expect(stepAfterGrant({ ttlMs, renewable }, graceMsOf(ttlMs, roll))).toEqual(step),
  );

  it('is replaced before its end once renewals no longer give the whole time', () => {
    const graceMs = graceMsOf(HOUR, 0);
    expect(stepAfterGrant({ ttlMs: HOUR / 2, renewable: true }, graceMs).act).toBe('renew');
    expect(stepAfterGrant({ ttlMs: HOUR / 4, renewable: true }, graceMs)).toEqual({
      act: 'replace',
      inMs: HOUR / 4 - graceMs,
    });
    expect(stepAfterGrant({ ttlMs: graceMs / 2, renewable: true }, graceMs)).toEqual({
      act: 'replace',
      inMs: 1_000,
    });
  });

  it('is acted upon before it ends, whatever its length', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2_000, max: 40 * 24 * HOUR }),
        fc.boolean(),
        dice,
        (ttlMs, renewable, roll) => {
          const { inMs } = stepAfterGrant({ ttlMs, renewable }, graceMsOf(ttlMs, roll));
          expect(inMs).toBeLessThan(ttlMs);
          expect(inMs).toBeGreaterThanOrEqual(1_000);
        },
      ),
    );
  });
});

describe('a lease whose renewal failed', () => {
  const lease = { remainingMs: HOUR, graceMs: HOUR / 10, renewable: true };

  it.each<[string, Partial<typeof lease>, number, LeaseStep]>([
    ['is tried again after some seconds', {}, 1, { act: 'renew', inMs: 5_000 }],
    ['is tried less and less often', {}, 4, { act: 'renew', inMs: 40_000 }],
    ['but every five minutes', {}, 50, { act: 'renew', inMs: 150_000 }],
    [
      'is replaced where the grace begins',
      { remainingMs: HOUR / 10 + 2_000 },
      3,
      { act: 'replace', inMs: 2_000 },
    ],
    ['is replaced soon within the grace', { remainingMs: 9_000 }, 9, { act: 'replace', inMs: 3_000 }],
    ['is replaced when it never could be renewed', { renewable: false }, 1, { act: 'replace', inMs: 5_000 }],
    ['is let go when it has ended', { remainingMs: 0 }, 3, { act: 'let go', inMs: 0 }],
  ])('%s', (_what, change, failures, step) =>
    expect(stepAfterFailure({ ...lease, ...change }, failures, 0)).toEqual(step),
  );

  it('never spins: until its end it is tried a bounded number of times', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 * 24 * HOUR }), dice, (ttlMs, roll) => {
        const graceMs = graceMsOf(ttlMs, roll);
        let remainingMs = ttlMs;
        let tries = 0;
        let shortestMs = Infinity;
        for (;;) {
          const step = stepAfterFailure({ remainingMs, graceMs, renewable: true }, tries + 1, roll);
          if (step.act === 'let go') break;
          shortestMs = Math.min(shortestMs, step.inMs);
          remainingMs -= step.inMs;
          tries += 1;
        }
        expect(shortestMs).toBeGreaterThanOrEqual(1_000);
        // One per 150 s at the least pause of the longest back-off, and few more at either end.
        expect(tries).toBeLessThanOrEqual(60 + ttlMs / 150_000);
      }),
    );
  });
});

it('backs off within its bounds, however often it failed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), dice, (failures, roll) => {
      const ms = backoffMsOf(failures, roll, 1_000, 30_000);
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(30_000);
    }),
  );
});

it.each<[string, number | null, number]>([
  ['does not end', null, HOUR],
  ['ends later', 2 * HOUR, HOUR],
  ['ends before', HOUR / 4, HOUR / 4],
  ['has ended', -HOUR, 0],
])('a grant whose token %s lives as long as both do', (_what, tokenMs, livesMs) => {
  const now = new Date('2026-03-01T00:00:00Z');
  const tokenEndsAt = tokenMs === null ? null : new Date(now.getTime() + tokenMs);
  expect(shortened(HOUR, now, tokenEndsAt)).toBe(livesMs);
});
