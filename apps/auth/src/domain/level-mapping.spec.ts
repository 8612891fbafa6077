import { LEVELS, type Level } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { entryWithoutLevel, levelOf, type LevelMapping } from './level-mapping.js';

const DN = 'CN=ML-Admins,OU=Groups,DC=corp,DC=com';

it.each<[string[], LevelMapping, Level]>([
  [['ml-admins'], { admin: ['ml-admins'] }, 'admin'],
  [[DN], { [DN]: ['admin'] }, 'admin'],
  [['a', 'b'], { viewer: ['a'], lead: ['b'] }, 'lead'],
  [['a', 'b'], { a: ['lead'], viewer: ['b'] }, 'lead'],
  [['a'], { a: ['viewer', 'admin'] }, 'admin'],
  [['x'], { admin: ['ml-admins'] }, 'researcher'],
  [[], { admin: ['ml-admins'] }, 'researcher'],
  [['x'], {}, 'researcher'],
  // A group's name is a name: no part of it, and no other case.
  [['ML-ADMINS', 'ml-admins-not'], { admin: ['ml-admins'] }, 'researcher'],
  // To be in a group that is called like a level gives nothing by itself.
  [['admin'], {}, 'researcher'],
  [['lead'], { admin: ['lead'] }, 'admin'],
  [['toString'], {}, 'researcher'],
])('%j with %j is %s', (groups, mapping, level) => {
  expect(levelOf(groups, mapping, 'researcher')).toBe(level);
});

it('is the same whichever way round it is written', () => {
  const group = fc.string({ minLength: 1 }).filter((name) => !(LEVELS as readonly string[]).includes(name));
  fc.assert(
    fc.property(fc.dictionary(group, fc.constantFrom(...LEVELS)), fc.array(group), (levels, others) => {
      const byGroup: LevelMapping = Object.fromEntries(
        Object.entries(levels).map(([name, level]) => [name, [level]]),
      );
      const byLevel: LevelMapping = Object.fromEntries(
        LEVELS.map((level) => [level, Object.keys(levels).filter((name) => levels[name] === level)]),
      );
      for (const groups of [Object.keys(levels), others, Object.keys(levels).slice(1)])
        expect(levelOf(groups, byGroup, 'viewer')).toBe(levelOf(groups, byLevel, 'viewer'));
    }),
  );
});

it.each<[LevelMapping, string | undefined]>([
  [{}, undefined],
  [{ admin: ['anything'], x: ['lead'] }, undefined],
  [{ x: ['boss'] }, 'x'],
  [{ Admin: ['x'] }, 'Admin'],
])('in %j the entry without a level is %j', (mapping, key) => {
  expect(entryWithoutLevel(mapping)).toBe(key);
});
