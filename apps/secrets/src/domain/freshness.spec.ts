import { expect, it } from 'vitest';
import { freshnessOf, type Freshness } from './freshness.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const days = (n: number): Date => new Date(NOW.getTime() + n * 86_400_000);

it.each<[Freshness, Date, Date | null]>([
  ['fresh', days(0), null],
  ['fresh', days(-76), null],
  ['aging', days(-77), null],
  ['aging', days(-90), null],
  ['stale', days(-91), null],
  ['fresh', days(-1), days(15)],
  ['expiring', days(-1), days(14)],
  ['expiring', days(-100), days(1)],
  ['expired', days(-1), days(0)],
  ['expired', days(-100), days(-1)],
  ['stale', days(-100), days(100)],
])('is %s when set at %s and ending at %s', (freshness, setAt, expiresAt) =>
  expect(freshnessOf(setAt, expiresAt, NOW)).toBe(freshness),
);
