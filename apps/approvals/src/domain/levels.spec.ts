import { reaches, SYSTEM_LEVEL_NAMES, type Level } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { neededOf } from './levels.js';

it.each<[Level[], Level[]]>([
  [['lead'], ['lead']],
  [['lead', 'admin'], ['admin']],
  [['lead', 'lead', 'researcher'], ['lead']],
  [
    ['senior', 'lead'],
    ['senior', 'lead'],
  ],
  [['senior', 'admin'], ['admin']],
  [
    ['senior', 'principal', 'lead', 'viewer'],
    ['senior', 'principal', 'lead'],
  ],
])('%j come to %j', (levels, needed) => expect(neededOf(levels)).toEqual(needed));

it('lets those decide who reach all of them, and nobody else, wherever levels that were made stand', () => {
  const made = ['senior', 'chief'];
  const level = fc.constantFrom(...SYSTEM_LEVEL_NAMES, ...made);
  const order = fc
    .shuffledSubarray(['viewer', 'researcher', 'lead', ...made], { minLength: 5 })
    .filter(
      (all) =>
        all.indexOf('viewer') < all.indexOf('researcher') && all.indexOf('researcher') < all.indexOf('lead'),
    );
  fc.assert(
    fc.property(order, level, fc.array(level, { minLength: 1 }), (all, mine, levels) => {
      const ordered = [...all, 'admin'];
      const who = { level: mine, reaches: ordered.slice(0, ordered.indexOf(mine) + 1) };
      const needed = neededOf(levels);
      expect(needed.length).toBeGreaterThan(0);
      expect(needed.every((one) => reaches(who, one))).toBe(levels.every((one) => reaches(who, one)));
    }),
  );
});
