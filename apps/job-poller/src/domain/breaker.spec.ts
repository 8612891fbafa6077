import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admission, afterCall, probeDelayMs, shouldOpen, type Silence } from './breaker.js';

/** What is known after calls: each `[at second, answered]`. */
const after = (calls: readonly (readonly [number, boolean])[]): Silence | undefined => {
  let silence: Silence | undefined;
  for (const [seconds, answered] of calls) silence = afterCall(silence, answered, seconds * 1_000);
  return silence;
};
const failing = (...seconds: number[]): [number, boolean][] => seconds.map((at) => [at, false]);

describe('a breaker opens', () => {
  it.each<[string, (readonly [number, boolean])[], number, boolean]>([
    ['not without calls', [], 99, false],
    ['not after one failure, however long ago', failing(0), 99, false],
    ['not after four', failing(0, 10, 20, 30), 99, false],
    ['not after five at once', failing(0, 0, 0, 0, 0), 1, false],
    ['not after many in less than the time', failing(0, 5, 10, 15, 20, 25, 29), 29, false],
    ['after five over the time', failing(0, 5, 10, 20, 30), 30, true],
    ['not with an answer among them', [...failing(0, 5, 10), [20, true], ...failing(25, 28, 30)], 30, false],
    ['but after as much again', [[0, true], ...failing(5, 8, 10, 20, 35)], 35, true],
  ])('%s', (_, calls, seconds, opens) => {
    const silence = after(calls);
    expect(silence !== undefined && shouldOpen(silence, seconds * 1_000)).toBe(opens);
  });

  it('never while something is answered every half minute', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 29 }), fc.integer({ min: 1, max: 20 })));
    fc.assert(
      fc.property(gaps, (rounds) => {
        let now = 0;
        let silence: Silence | undefined;
        for (const [seconds, failures] of rounds) {
          silence = afterCall(silence, true, now);
          for (let n = 1; n <= failures; n += 1) {
            silence = afterCall(silence, false, now + (seconds * 1_000 * n) / failures);
            expect(silence && shouldOpen(silence, now + seconds * 1_000)).toBe(false);
          }
          now += seconds * 1_000;
        }
      }),
    );
  });
});

it.each([
  [0, 10_000],
  [1, 20_000],
  [4, 160_000],
  [5, 300_000],
  [500, 300_000],
])('after %i probes the next one is made in %i ms', (probes, expected) => {
  expect(probeDelayMs(probes)).toBe(expected);
});

it.each([
  ['a closed one', undefined, 'call'],
  ['an open one', { probeAtMs: 1_500 }, { waitMs: 500 }],
  ['an open one that is to be tried', { probeAtMs: 1_000 }, 'probe'],
] as const)('%s lets through: %j', (_, breaker, expected) => {
  expect(admission(breaker, 1_000)).toEqual(expected);
});
