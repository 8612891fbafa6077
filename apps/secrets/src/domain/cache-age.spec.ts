import { expect, it } from 'vitest';
import { freshness, type Freshness } from './cache-age.js';

const POLICY = { ttlSeconds: 60, missTtlSeconds: 5, staleSeconds: 300 };

it.each<[number, 'value' | 'miss', Freshness]>([
  [0, 'value', 'fresh'],
  [59.9, 'value', 'fresh'],
  [60, 'value', 'stale'],
  [359.9, 'value', 'stale'],
  [360, 'value', 'over'],
  [4.9, 'miss', 'fresh'],
  [5, 'miss', 'over'],
])('after %d seconds a %s is %s', (age, what, worth) =>
  expect(freshness(age, what === 'miss', POLICY)).toBe(worth),
);

it('believes a miss no longer than a value', () => {
  expect(freshness(1, true, { ...POLICY, ttlSeconds: 1 })).toBe('over');
  expect(freshness(0, false, { ttlSeconds: 0, missTtlSeconds: 5, staleSeconds: 0 })).toBe('over');
});
