import { PERMISSIONS, SYSTEM_LEVELS, TEAM_ROLES, type Permission } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placesFor } from './lookup.js';
import { readScope, scopeText, verdictOn, type Caller, type Scope, type Use } from './scopes.js';

const org = (id: number) => ({ id, slug: `org${id}` });
const team = (id: number, role: (typeof TEAM_ROLES)[number] = 'member') => ({ id, slug: `team${id}`, role });
const somebody = (
  level: keyof typeof SYSTEM_LEVELS,
  more: Partial<Caller> & { without?: Permission } = {},
): Caller => {
  const { without, ...rest } = more;
  const permissions = SYSTEM_LEVELS[level].permissions.filter((one) => one !== without);
  return { user_id: 7, permissions: [...permissions], ...rest };
};

const viewer = somebody('viewer', { org: org(1), teams: [team(3, 'admin')] });
const member = somebody('researcher', { org: org(1), teams: [team(3)] });
const teamAdmin = somebody('researcher', { org: org(1), teams: [team(3, 'admin')] });
const lead = somebody('lead', { org: org(1), teams: [team(3)] });
const orgAdmin = somebody('admin', { org: org(1), without: 'org.create' });
const house = somebody('admin');
const houseConfigurer = somebody('admin', { without: 'org.create' });

describe.each<[string, Caller, Readonly<Record<string, string>>]>([
  // read and set: y allowed, n refused with a reason, - not there
  ['a viewer', viewer, { 'user:7': 'nn', 'team:3': 'nn', 'team:4': '--', 'org:1': 'nn', global: 'nn' }],
  [
    'a member of a team',
    member,
    {
      'user:7': 'yy',
      'user:8': '--',
      'team:3': 'yn',
      'team:4': '--',
      'org:1': 'yn',
      'org:2': '--',
      global: 'nn',
    },
  ],
  ['an admin of a team', teamAdmin, { 'team:3': 'yy', 'team:4': '--', 'org:1': 'yn', global: 'nn' }],
  [
    'a lead',
    lead,
    { 'user:7': 'yy', 'team:3': 'yy', 'team:4': '--', 'org:1': 'yn', 'org:2': '--', global: 'nn' },
  ],
  [
    'an administrator of an organisation',
    orgAdmin,
    { 'user:8': '--', 'team:3': '--', 'org:1': 'yy', 'org:2': '--', global: 'nn' },
  ],
  [
    'an administrator of the house',
    house,
    { 'user:7': 'yy', 'user:8': '--', 'team:3': 'yy', 'org:1': 'yy', 'org:2': 'yy', global: 'yy' },
  ],
  [
    'an administrator who makes no organisations and is in none',
    houseConfigurer,
    { 'org:1': '--', 'team:3': '--', global: 'yy' },
  ],
])('%s', (_, caller, table) => {
  it.each(Object.entries(table))('finds %s: %s', (text, marks) => {
    const scope = readScope(text);
    const mark = (use: Use): string => {
      const verdict = verdictOn(caller, scope, use);
      return verdict === 'allowed' ? 'y' : verdict === 'not found' ? '-' : 'n';
    };
    expect(mark('read') + mark('set')).toBe(marks);
  });
});

it.each([
  '',
  'user',
  'user:',
  'user:0',
  'user:07',
  'user:x',
  'house:1',
  'user:1:2',
  'Global',
  'org:99999999999',
])('takes %j for no scope', (text) => expect(() => readScope(text)).toThrow('is not a scope'));

const id = fc.integer({ min: 1, max: 4 });
const anyScope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'global' }),
  fc.record({ kind: fc.constantFrom('user' as const, 'team' as const, 'org' as const), id }),
);
const anybody: fc.Arbitrary<Caller> = fc
  .record({
    user_id: id,
    permissions: fc.subarray([...PERMISSIONS]),
    org: fc.option(id.map(org), { nil: undefined }),
    teams: fc.uniqueArray(fc.record({ id, slug: fc.constant('t'), role: fc.constantFrom(...TEAM_ROLES) }), {
      selector: (one) => one.id,
    }),
  })
  .map(({ org: ofOrg, ...rest }) => ({ ...rest, ...(ofOrg === undefined ? {} : { org: ofOrg }) }));

it('reads every scope it writes', () => {
  fc.assert(
    fc.property(anyScope, (scope) => {
      expect(readScope(scopeText(scope))).toEqual(scope);
    }),
  );
});

it('tells nobody outside a team or an organisation that it has secrets, and lets nobody set what they may not read', () => {
  fc.assert(
    fc.property(anybody, anyScope, (caller, scope) => {
      const read = verdictOn(caller, scope, 'read');
      const set = verdictOn(caller, scope, 'set');
      if (set === 'allowed') expect(read).toBe('allowed');
      const makesOrgs = caller.permissions.includes('org.create');
      const isInside =
        scope.kind === 'global' ||
        (scope.kind === 'user' && scope.id === caller.user_id) ||
        (scope.kind === 'team' && caller.teams!.some((one) => one.id === scope.id)) ||
        (scope.kind === 'org' && caller.org?.id === scope.id);
      if (!isInside && !(makesOrgs && scope.kind !== 'user'))
        expect([read, set]).toEqual(['not found', 'not found']);
      // A key that can do nothing does nothing.
      expect(verdictOn({ ...caller, permissions: [] }, scope, 'set')).not.toBe('allowed');
    }),
    { numRuns: 1_000 },
  );
});

/** The promise in its simplest form, for comparison: whose secret may a job of these people get? */
const isTheirs = (scope: string, people: { userId: number; teamId?: number; orgId?: number }): boolean =>
  ['global', `user:${people.userId}`, `team:${people.teamId}`, `org:${people.orgId}`].includes(scope);

it('looks for a job only where its people are, the nearest first', () => {
  const people = fc.record({ userId: id, teamId: id, orgId: id }, { requiredKeys: ['userId'] });
  fc.assert(
    fc.property(people, fc.array(anyScope), (whose, kept) => {
      const scopes = placesFor({ purpose: 'run', ...whose }).map(({ scope }) => scope);
      for (const scope of kept.map(scopeText)) expect(scopes.includes(scope)).toBe(isTheirs(scope, whose));
      const order = ['user', 'team', 'org', 'global'];
      const ranks = scopes.map((scope) => order.indexOf(readScope(scope).kind));
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    }),
    { numRuns: 1_000 },
  );
});
