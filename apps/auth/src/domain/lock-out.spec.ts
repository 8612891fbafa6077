import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  ACCOUNT_RULE,
  ADDRESS_RULE,
  failuresWithOneMore,
  lockOutSeconds,
  RESET_ACCOUNT_RULE,
  RESET_ADDRESS_RULE,
} from './lock-out.js';

it.each([
  [ACCOUNT_RULE, 'account', [0, 0, 0, 0, 0, 10, 30, 60, 300, 900, 900, 900]],
  [ADDRESS_RULE, 'address', [...Array<number>(20).fill(0), 10, 30, 60, 300, 900, 3_600, 3_600]],
  [RESET_ACCOUNT_RULE, 'resets of an account', [0, 0, 0, 3_600, 3_600]],
  [RESET_ADDRESS_RULE, 'resets from an address', [...Array<number>(20).fill(0), 3_600, 3_600]],
] as const)('waits after failures by %# (%s)', (rule, _, delays) => {
  expect(delays.map((__, failures) => lockOutSeconds(rule, failures))).toEqual(delays);
});

it('never waits less after more failures', () => {
  fc.assert(
    fc.property(fc.constantFrom(ACCOUNT_RULE, ADDRESS_RULE), fc.nat(5_000), (rule, failures) => {
      expect(lockOutSeconds(rule, failures + 1)).toBeGreaterThanOrEqual(lockOutSeconds(rule, failures));
    }),
  );
});

it.each([
  [3, 0, 4],
  [3, -1, 4],
  [3, 3_600, 4],
  [3, 21_599, 4],
  [3, 21_600, 3],
  [1, 86_400, 1],
  [3, 86_401, 1],
  [40, 43_200, 39],
  [40, 100_000, 1],
])('%d failures, the last %d s ago, become %d', (failures, agoSeconds, expected) => {
  const now = new Date('2026-03-01T12:00:00Z');
  const lastFailureAt = new Date(now.getTime() - agoSeconds * 1_000);
  expect(failuresWithOneMore(ACCOUNT_RULE, { failures, lastFailureAt }, now)).toBe(expected);
});

it('never makes an address wait where somebody mistypes every few minutes, all day', () => {
  const start = Date.parse('2026-03-01T08:00:00Z');
  let so = { failures: 0, lastFailureAt: new Date(start) };
  for (let minute = 0; minute < 600; minute += 4) {
    const now = new Date(start + minute * 60_000);
    so = { failures: failuresWithOneMore(ADDRESS_RULE, so, now), lastFailureAt: now };
    expect(lockOutSeconds(ADDRESS_RULE, so.failures)).toBe(0);
  }
});
