import { setImmediate } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { inGroups, UnderWay } from './under-way.js';

const turns = (): Promise<string> => setImmediate('no room');

it('has room for a few at once, and again when any of them is over', async () => {
  const underWay = new UnderWay(2);
  const ends = new Map<number, () => void>();
  const begun: number[] = [];
  const all = (async () => {
    for (const uid of [1, 2, 3, 4]) {
      await underWay.room();
      begun.push(uid);
      underWay.begin(uid, () => new Promise((end) => ends.set(uid, end)));
    }
  })();
  await vi.waitFor(() => expect(begun).toEqual([1, 2]));
  expect(await Promise.race([underWay.room(), turns()])).toBe('no room');
  expect(begun).toEqual([1, 2]);
  ends.get(2)!();
  await vi.waitFor(() => expect(begun).toEqual([1, 2, 3]));
  ends.get(3)!();
  await all;
  expect([1, 2, 3, 4].map((uid) => underWay.has(uid))).toEqual([true, false, false, true]);
  for (const uid of [1, 4]) ends.get(uid)!();
  await underWay.settled();
  expect(underWay.has(1)).toBe(false);
});

it.each([
  [[], 2, 0.9, []],
  [[1, 2, 3, 4, 5], 2, 0, [[5], [1, 2], [3, 4]]],
  [[1, 2, 3, 4, 5], 2, 0.5, [[1, 2], [5], [3, 4]]],
  [[1, 2, 3, 4, 5], 2, 0.999, [[1, 2], [3, 4], [5]]],
  [[1, 2], 8, 0.7, [[1, 2]]],
])('takes %j in groups of %i, shuffled by %d', (uids, size, chance, groups) => {
  expect(inGroups(uids, size, () => chance)).toEqual(groups);
});
