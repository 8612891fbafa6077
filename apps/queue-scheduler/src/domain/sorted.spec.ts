import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sorted } from './sorted.js';

interface Item {
  readonly name: string;
  rank: number;
}

it('is what sorting anew after every change would be', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'remove', 'move'),
    nth: fc.nat(9),
    rank: fc.constantFrom(0, 1, 2, 3, Infinity),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const sorted = new Sorted<Item>((one, other) => one.rank - other.rank);
      let naive: Item[] = [];
      for (const [n, { what, nth, rank }] of steps.entries()) {
        const item = naive[nth];
        if (what === 'add') {
          const fresh = { name: String(n), rank };
          sorted.add(fresh);
          naive.push(fresh);
        } else if (what === 'remove' && item) {
          expect(sorted.remove(item)).toBe(true);
          expect(sorted.remove(item)).toBe(false);
          naive = naive.filter((one) => one !== item);
        } else if (item) sorted.move(item, () => (item.rank = rank));
        expect([...sorted].map((one) => one.rank)).toEqual(
          naive.map((one) => one.rank).toSorted((a, b) => (a === b ? 0 : a - b)),
        );
        expect(new Set(sorted)).toEqual(new Set(naive));
      }
      expect(sorted.size).toBe(naive.length);
    }),
  );
});

it('changes what is not in it, and leaves it out', () => {
  const sorted = new Sorted<Item>((one, other) => one.rank - other.rank, [{ name: 'a', rank: 1 }]);
  const other = { name: 'b', rank: 1 };
  sorted.move(other, () => (other.rank = 0));
  expect(other.rank).toBe(0);
  expect(sorted.first?.name).toBe('a');
});
