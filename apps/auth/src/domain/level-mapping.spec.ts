import type { Level } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryWithoutLevel, levelOf, names, type LevelMapping } from './level-mapping.js';

/** The levels of every house, and one that somebody made. */
const LEVELS = new Map([
  ['viewer', 10],
  ['researcher', 20],
  ['senior', 25],
  ['lead', 30],
  ['admin', 100],
]);
const ADMINS = 'CN=ML-Admins,OU=Groups,DC=corp,DC=com';
const LEADS = 'CN=ML-Leads,OU=Groups,DC=corp,DC=com';
const TYPES = ['oidc', 'ldap'] as const;
const level = (type: (typeof TYPES)[number], level_mapping: LevelMapping, groups: string[]): Level =>
  levelOf({ type, level_mapping, default_level: 'researcher' }, groups, LEVELS);

describe.each(TYPES)('with %s', (type) => {
  it.each<[string, LevelMapping, string[], Level]>([
    ['a level with its groups', { admin: ['ml-admins'] }, ['ml-admins'], 'admin'],
    ['a level with its DN', { admin: [ADMINS] }, [ADMINS], 'admin'],
    ['a group that gives a level', { [ADMINS]: ['admin'] }, [ADMINS], 'admin'],
    ['both ways in one mapping', { [ADMINS]: ['admin'], lead: [LEADS] }, [LEADS], 'lead'],
    ['the highest of two levels', { viewer: ['a'], lead: ['b'] }, ['a', 'b'], 'lead'],
    ['the highest of both ways', { a: ['lead'], viewer: ['b'] }, ['a', 'b'], 'lead'],
    ['the highest of one group', { a: ['viewer', 'admin'] }, ['a'], 'admin'],
    ['a level that somebody made', { senior: ['a'], b: ['researcher'] }, ['a', 'b'], 'senior'],
    ['a lower level than the default', { viewer: ['a'] }, ['a'], 'viewer'],
    ['no group that is mapped', { admin: ['ml-admins'] }, ['x', 'ml-admins-not'], 'researcher'],
    ['no group', { admin: ['ml-admins'] }, [], 'researcher'],
    ['no mapping', {}, ['x'], 'researcher'],
    ['a group that is called like a level', {}, ['admin'], 'researcher'],
    ['a level whose group is called so', { admin: ['admin'] }, ['admin'], 'admin'],
    ['a level whose group is called like another', { admin: ['lead'] }, ['lead'], 'admin'],
    ['that level, and not the group of its name', { admin: ['lead'] }, ['admin'], 'researcher'],
    ['no such level', { [ADMINS]: ['owner'] }, [ADMINS], 'researcher'],
    ['what every object has', {}, ['toString'], 'researcher'],
  ])('%s', (_, mapping, groups, expected) => {
    expect(level(type, mapping, groups)).toBe(expected);
  });

  it('gives the same whichever way round it is written: a level of the mapping, or the default', () => {
    const group = fc.constantFrom(ADMINS, LEADS, 'ops', 'CN=Ops,DC=corp', 'CN=a\\, b,DC=corp');
    const pairs = fc.array(fc.tuple(group, fc.constantFrom(...LEVELS.keys())), { maxLength: 6 });
    fc.assert(
      fc.property(pairs, fc.array(group), (given, groups) => {
        const collect = (key: 0 | 1): LevelMapping => {
          const mapping: Record<string, string[]> = {};
          for (const pair of given) (mapping[pair[key]] ??= []).push(pair[key === 0 ? 1 : 0]);
          return mapping;
        };
        const found = level(type, collect(0), groups);
        expect(level(type, collect(1), groups)).toBe(found);
        expect(['researcher', ...given.map(([, each]) => each)]).toContain(found);
      }),
    );
  });
});

it.each<[string, LevelMapping, string[], { oidc: Level; ldap: Level }]>([
  ['another case', { admin: ['ml-admins'] }, ['ML-ADMINS'], { oidc: 'researcher', ldap: 'admin' }],
  [
    'a DN in another case and with other blanks',
    { admin: ['cn=ml-admins, ou=groups,dc=CORP,dc=com'] },
    [ADMINS],
    { oidc: 'researcher', ldap: 'admin' },
  ],
  ['a bare name', { admin: ['ml-admins'] }, [ADMINS], { oidc: 'researcher', ldap: 'admin' }],
  ['a bare name as the key', { 'ML-Admins': ['admin'] }, [ADMINS], { oidc: 'researcher', ldap: 'admin' }],
  [
    'a DN, held by its namesake',
    { [ADMINS]: ['admin'] },
    ['CN=ML-Admins,OU=Sandbox,DC=corp,DC=com'],
    { oidc: 'researcher', ldap: 'researcher' },
  ],
  [
    'a DN, and a bare name held',
    { [ADMINS]: ['admin'] },
    ['ML-Admins'],
    { oidc: 'researcher', ldap: 'researcher' },
  ],
])('a provider’s type says what means a group: %s', (_, mapping, groups, { oidc, ldap }) => {
  expect([level('oidc', mapping, groups), level('ldap', mapping, groups)]).toEqual([oidc, ldap]);
});

it.each<[LevelMapping, string | undefined]>([
  [{}, undefined],
  [{ admin: ['anything'], x: ['lead'] }, undefined],
  [{ x: ['boss'] }, 'x'],
  [{ x: ['lead', 'boss'] }, 'x'],
  [{ Admin: ['x'] }, 'Admin'],
])('in %j the entry without a level is %j', (mapping, key) => {
  expect(entryWithoutLevel(mapping, LEVELS)).toBe(key);
});

it.each([
  ['admin', true],
  ['ml-admins', true],
  ['x', true],
  ['lead', true],
  ['ml', false],
  ['toString', false],
])('a mapping names %s: %s', (word, isThere) => {
  expect(names({ admin: ['ml-admins'], x: ['lead'] }, word)).toBe(isThere);
});
