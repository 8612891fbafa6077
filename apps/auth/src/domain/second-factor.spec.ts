import { expect, it } from 'vitest';
import { acceptedKinds, needsSecondFactor } from './second-factor.js';

it.each([
  [false, 0, 0, []],
  [false, 0, 10, []],
  [true, 0, 0, ['totp']],
  [true, 0, 3, ['totp', 'recovery_code']],
  [false, 2, 0, ['passkey']],
  [true, 1, 1, ['totp', 'passkey', 'recovery_code']],
] as const)('totp %s, %i passkeys, %i recovery codes: %j', (hasTotp, passkeys, recoveryCodes, kinds) => {
  const factors = { hasTotp, passkeys, recoveryCodes };
  expect(acceptedKinds(factors)).toEqual(kinds);
  expect(needsSecondFactor(factors)).toBe(kinds.length > 0);
});
