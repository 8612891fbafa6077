import { LEVELS } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { levelsOfGroups } from './levels-of-groups.js';

const ADMINS = 'CN=ML-Admins,OU=Groups,DC=corp,DC=com';
const LEADS = 'CN=ML-Leads,OU=Groups,DC=corp,DC=com';

it.each([
  ['a group that gives a level', { [ADMINS]: ['admin'] }, [ADMINS], ['admin']],
  ['a level with its groups', { admin: [ADMINS] }, [ADMINS], ['admin']],
  ['both shapes in one mapping', { [ADMINS]: ['admin'], lead: [LEADS] }, [LEADS], ['lead']],
  ['the highest first', { lead: [LEADS], admin: [ADMINS] }, [LEADS, ADMINS], ['admin', 'lead']],
  [
    'another case and other blanks',
    { admin: ['cn=ml-admins, ou=groups,dc=CORP,dc=com'] },
    [ADMINS],
    ['admin'],
  ],
  ['a bare name, by the common name', { admin: ['ml-admins'] }, [ADMINS], ['admin']],
  ['a bare name as the key', { 'ML-Admins': ['admin'] }, [ADMINS], ['admin']],
  ['bare names on both sides', { admin: ['ML-Admins'] }, ['ml-admins'], ['admin']],
  [
    'a DN that means one group, not its namesake',
    { [ADMINS]: ['admin'] },
    ['CN=ML-Admins,OU=Sandbox,DC=corp,DC=com'],
    [],
  ],
  ['a DN in the mapping and a bare name held', { [ADMINS]: ['admin'] }, ['ML-Admins'], []],
  ['no group', { [ADMINS]: ['admin'] }, [], []],
  ['no such level', { [ADMINS]: ['owner'] }, [ADMINS], []],
  ['a level whose group is called so', { admin: ['admin'] }, ['cn=admin,dc=corp'], ['admin']],
  ['a line that reads both ways', { admin: ['lead'] }, ['lead', 'admin'], []],
])('%s', (_, mapping: Record<string, string[]>, groups: string[], levels: string[]) => {
  expect(levelsOfGroups(mapping, groups)).toEqual(levels);
});

it('gives the same in both shapes, and never a level that the mapping does not name', () => {
  const group = fc.constantFrom(ADMINS, LEADS, 'ops', 'CN=Ops,DC=corp', 'CN=a\\, b,DC=corp');
  const pairs = fc.array(fc.tuple(group, fc.constantFrom(...LEVELS)), { maxLength: 6 });
  fc.assert(
    fc.property(pairs, fc.array(group), (given, groups) => {
      const collect = (key: 0 | 1): Record<string, string[]> => {
        const mapping: Record<string, string[]> = {};
        for (const pair of given) (mapping[pair[key]] ??= []).push(pair[key === 0 ? 1 : 0]);
        return mapping;
      };
      const levels = levelsOfGroups(collect(0), groups);
      expect(levelsOfGroups(collect(1), groups)).toEqual(levels);
      expect(given.map(([, level]) => level)).toEqual(expect.arrayContaining(levels));
    }),
  );
});
