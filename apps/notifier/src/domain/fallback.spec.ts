import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fallbacksOf, faultOfFallback, MAX_FALLBACKS } from './fallback.js';

const of = (...links: [number, number][]): Map<number, number> => new Map(links);

it.each([
  [of(), 1, 2, undefined],
  [of([1, 3]), 1, 2, undefined],
  [of(), 1, 1, /itself/],
  [of([2, 1]), 1, 2, /itself/],
  [of([2, 3], [3, 1]), 1, 2, /itself/],
  [of([2, 3], [3, 4]), 1, 2, undefined],
  [of([2, 3], [3, 4], [4, 5]), 1, 2, /more than 3/],
  // It is the fourth for the first of them.
  [of([1, 2], [2, 3], [3, 4]), 4, 5, /more than 3/],
])('with %j, for %i comes %i: %s', (fallbacks, id, next, fault) => {
  const found = faultOfFallback(fallbacks, id, next);
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(fault);
});

it('never makes a circle, nor too long a chain, whatever is set one after the other', () => {
  const id = fc.integer({ min: 1, max: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(id, id), { maxLength: 40 }), (wanted) => {
      const fallbacks = new Map<number, number>();
      for (const [from, to] of wanted)
        if (faultOfFallback(fallbacks, from, to) === undefined) fallbacks.set(from, to);
      for (const one of fallbacks.keys()) {
        const chain = fallbacksOf(fallbacks, one);
        expect(chain).not.toContain(one);
        expect(chain.length).toBeLessThanOrEqual(MAX_FALLBACKS);
        expect(fallbacks.get(chain.at(-1)!)).toBeUndefined();
      }
    }),
  );
});
