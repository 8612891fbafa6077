import { expect, it } from 'vitest';
import { claimAt, groupsAt, textAt } from './claims.js';

it.each([
  [{ groups: ['a', 'b'] }, 'groups', ['a', 'b']],
  [{ groups: 'a' }, 'groups', ['a']],
  [{ realm_access: { roles: ['a'] } }, 'realm_access.roles', ['a']],
  [{ a: { b: { c: 'deep' } } }, 'a.b.c', ['deep']],
  [{ 'https://corp.test/roles': ['a'] }, 'https://corp.test/roles', ['a']],
  [{ 'a.b': ['by name'], a: { b: ['by path'] } }, 'a.b', ['by name']],
  [{ groups: ['a', 3, null, { name: 'x' }] }, 'groups', ['a']],
  [{ groups: 3 }, 'groups', []],
  [{ groups: { a: true } }, 'groups', []],
  [{}, 'groups', []],
  [{ groups: null }, 'groups.names', []],
  [{ groups: 'text' }, 'groups.length', []],
  [{}, 'constructor.name', []],
  [{}, '__proto__', []],
])('in %j the groups at %s are %j', (claims, path, groups) => {
  expect(groupsAt(claims, path)).toEqual(groups);
});

it('knows a claim that is missing from one that is empty', () => {
  expect(claimAt({}, 'groups')).toBeUndefined();
  expect(claimAt({ groups: [] }, 'groups')).toEqual([]);
});

it.each([
  [{ email: ' a@b.test ' }, 'a@b.test'],
  [{ email: '  ' }, undefined],
  [{ email: ['a@b.test'] }, undefined],
  [{}, undefined],
])('reads the text in %j as %j', (claims, text) => {
  expect(textAt(claims, 'email')).toBe(text);
});
