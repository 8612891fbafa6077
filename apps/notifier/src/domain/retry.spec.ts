import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type AttemptResult } from './attempt.js';
import { readRetryAfter, waitAsAsked, waitBefore } from './retry.js';

const SCHEDULE = [0, 5, 300, 1_800];
const MIDDLE = 0.5;

describe('the wait before an attempt', () => {
  it.each([
    [1, 0],
    [2, 5],
    [3, 300],
    [4, 1_800],
    [5, undefined],
    [99, undefined],
  ])('number %i is %s s', (attempt, seconds) => {
    expect(waitBefore(attempt, SCHEDULE, MIDDLE)).toBe(seconds);
  });

  it('is spread by a fifth at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const wait = waitBefore(3, SCHEDULE, random)!;
        expect(wait).toBeGreaterThanOrEqual(240);
        expect(wait).toBeLessThanOrEqual(360);
      }),
    );
  });

  it.each([
    ['longer than ours', 60, 60],
    ['shorter than ours', 1, 5],
    ['without end', 10_000_000, 86_400],
    ['nothing', undefined, 5],
  ])('when the receiver asks for %s', (_, asked, seconds) => {
    expect(waitAsAsked(2, SCHEDULE, MIDDLE, asked)).toBe(seconds);
  });
});

describe('Retry-After', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  it.each([
    ['120', 120],
    [' 7 ', 7],
    ['0', 0],
    ['99999999999999999999', 86_400],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 86_400],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['5 apples', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %s s', (header, seconds) => {
    expect(readRetryAfter(header, now)).toBe(seconds);
  });
});

describe('what becomes of a delivery', () => {
  it.each<[AttemptResult['outcome'], number, object]>([
    ['delivered', 1, { state: 'sent' }],
    ['delivered', 9, { state: 'sent' }],
    ['refused', 1, { state: 'retrying', waitSeconds: 5 }],
    ['refused', 3, { state: 'retrying', waitSeconds: 1_800 }],
    ['refused', 4, { state: 'failed' }],
    ['refused', 9, { state: 'failed' }],
    ['hopeless', 1, { state: 'failed' }],
    ['gone', 1, { state: 'failed' }],
    ['postponed', 1, { state: 'postponed', waitSeconds: 3 }],
    ['postponed', 99, { state: 'postponed', waitSeconds: 3 }],
  ])('%s at attempt %i', (outcome, attempt, verdict) => {
    expect(judge({ outcome }, attempt, SCHEDULE, MIDDLE)).toEqual(verdict);
  });
});
