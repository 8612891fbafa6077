import { describe, expect, it } from 'vitest';
import { readScope } from './scopes.js';
import { EVERYONE, faultOfShare, isFor, isLive } from './shares.js';

describe('a share', () => {
  it.each([
    ['user:2', 'user:2', true],
    ['user:2', 'user:3', false],
    ['team:2', 'user:2', false],
    [EVERYONE, 'user:3', true],
    [EVERYONE, 'team:3', true],
    [EVERYONE, 'user:1', false],
    [EVERYONE, 'global', false],
  ])('with %s is for %s: %s', (receiver, scope, expected) => {
    expect(isFor({ receiver, ownerScope: 'user:1', expiresAt: null }, scope)).toBe(expected);
  });

  it('counts until its end', () => {
    const end = new Date('2026-01-02T00:00:00Z');
    expect(isLive({ expiresAt: null }, end)).toBe(true);
    expect(isLive({ expiresAt: end }, new Date(end.getTime() - 1))).toBe(true);
    expect(isLive({ expiresAt: end }, end)).toBe(false);
  });

  it.each([
    ['global', 'user:2', 'the secret is everybody’s already'],
    ['user:2', 'user:2', 'is whose secret it is'],
    ['user:2', EVERYONE, undefined],
    ['team:2', 'org:1', undefined],
  ])('of a secret of %s with %s', (owner, receiver, fault) => {
    expect(faultOfShare(readScope(owner), owner, receiver)).toBe(fault);
  });
});
