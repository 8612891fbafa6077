import { SYSTEM_LEVELS } from '@lineclear/contracts';
import { expect, it } from 'vitest';
import { deadlinesOf, earliest, glassScopes } from './break-glass.js';
import type { Caller } from './scopes.js';

const admin: Caller = { user_id: 7, permissions: SYSTEM_LEVELS.admin.permissions.slice() };
const ofOne: Caller = {
  user_id: 7,
  permissions: admin.permissions.filter((permission) => permission !== 'org.create'),
};
const org = { id: 2, slug: 'o' };
const teams = [{ id: 3, slug: 't', role: 'member' as const }];

it.each<[string, Caller, 'all' | string[]]>([
  ['who looks after all', admin, 'all'],
  ['who looks after all, and belongs to one', { ...admin, org, teams }, 'all'],
  ['an administrator of an organisation', { ...ofOne, org, teams }, ['org:2', 'team:3', 'user:7']],
  ['one without teams', { ...ofOne, org }, ['org:2', 'user:7']],
  ['one of the house that makes no organisations', ofOne, ['global', 'user:7']],
])('%s takes', (_, caller, scopes) => expect(glassScopes(caller)).toEqual(scopes));

it('gives a value that was taken its hours, and reminds at half of them', () => {
  const { mustRotateBy, warnAt } = deadlinesOf(new Date('2026-11-28T00:00:00Z'), 25);
  expect([warnAt, mustRotateBy].map((at) => at.toISOString())).toEqual([
    '2026-11-28T12:30:00.000Z',
    '2026-11-29T01:00:00.000Z',
  ]);
});

it.each([
  [null, null, null],
  [1, null, 1],
  [null, 2, 2],
  [1, 2, 1],
  [2, 1, 1],
])('of %j and %j the earlier is %j', (a, b, first) => {
  const at = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
  expect(earliest(at(a), at(b))).toEqual(at(first));
});
