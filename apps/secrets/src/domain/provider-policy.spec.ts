import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  noneFound,
  placesOfProvider,
  PROVIDER_POLICIES,
  versionToGoOnWith,
  type ProviderPolicy,
} from './provider-policy.js';

const everybody = { userId: 7, teamId: 3, orgId: 1 };
const shared = ['environment/global', 'file/global', 'aws/global', 'vault/global', 'store/global'];
const placesOf = (policy: ProviderPolicy, people: Parameters<typeof placesOfProvider>[1]): string[] =>
  placesOfProvider(policy, people).map(({ source, scope }) => `${source}/${scope}`);

it.each<[ProviderPolicy, string[]]>([
  ['user_only', ['store/user:7']],
  ['user_then_team', ['store/user:7', 'store/team:3']],
  ['shared', shared],
  ['user_then_shared', ['store/user:7', 'store/team:3', 'store/org:1', ...shared]],
])('looks for the credential by %s in %j', (policy, places) => {
  expect(placesOf(policy, everybody)).toEqual(places);
});

it('asks the shared sources in the order that is set', () => {
  expect(placesOfProvider('shared', {}, ['store', 'vault']).map(({ source }) => source)).toEqual([
    'store',
    'vault',
  ]);
});

it('never bills everybody where the policy does not say so, and never looks at other people', () => {
  const id = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });
  const people = fc.record({ userId: id, teamId: id, orgId: id });
  fc.assert(
    fc.property(fc.constantFrom(...PROVIDER_POLICIES), people, (policy, whose) => {
      const scopes = placesOfProvider(policy, whose).map(({ scope }) => scope);
      expect(scopes.includes('global')).toBe(policy === 'shared' || policy === 'user_then_shared');
      const theirs = [`user:${whose.userId}`, `team:${whose.teamId}`, `org:${whose.orgId}`, 'global'];
      for (const scope of scopes) expect(theirs).toContain(scope);
      if (policy === 'shared') expect(new Set(scopes)).toEqual(new Set(['global']));
      else if (whose.userId !== undefined) expect(scopes[0]).toBe(`user:${whose.userId}`);
    }),
  );
});

it.each(PROVIDER_POLICIES)('says by %s what is missing and what to do', (policy) => {
  const text = noneFound(policy, 'cloud', 'CLOUD_TOKEN');
  expect(text).toContain(`policy ${policy}`);
  expect(text).toContain('CLOUD_TOKEN');
  expect(text).toContain(policy === 'shared' ? 'an administrator' : 'POST /api/users/me/credentials');
});

it.each<[number | null, number | null, number | 'current']>([
  [1, null, 'current'],
  [1, 1, 1],
  [1, 2, 'current'],
  [2, 1, 'current'],
  [null, null, 'current'],
])('goes on, having version %s where %s is kept, with %s', (version, previous_version, expected) =>
  expect(versionToGoOnWith({ version, previous_version })).toBe(expected),
);
