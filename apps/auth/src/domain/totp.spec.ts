import fc from 'fast-check';
import { Secret, TOTP } from 'otpauth';
import { expect, it } from 'vitest';
import { otpauthUri, stepOfCode, totpSecretOf } from './totp.js';

const SECRET = totpSecretOf(Buffer.from('12345678901234567890'));

// RFC 6238, appendix B; the last six of its eight digits.
it.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at %d s takes %s', (seconds, code) => {
  expect(stepOfCode(SECRET, code, new Date(seconds * 1_000))).toBe(Math.floor(seconds / 30));
});

it('takes the code of a step in that step and in those beside it, and says which it is', () => {
  const step = fc.integer({ min: 10, max: 1_000_000_000 });
  const distance = fc.integer({ min: -5, max: 5 });
  fc.assert(
    fc.property(step, distance, fc.integer({ min: 0, max: 29_999 }), (of, by, ms) => {
      const secret = Secret.fromBase32(SECRET);
      const code = TOTP.generate({ secret, timestamp: of * 30_000 });
      const now = new Date((of + by) * 30_000 + ms);
      const found = stepOfCode(SECRET, code, now);
      if (Math.abs(by) <= 1) expect(found).toBeDefined();
      // Among a million codes two of neighbours may be the same.
      if (found !== undefined) {
        expect(TOTP.generate({ secret, timestamp: found * 30_000 })).toBe(code);
        expect(Math.abs(found - (of + by))).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it.each(['', '28708', '2870820', '28708a', '287083'])('does not take %j', (code) => {
  expect(stepOfCode(SECRET, code, new Date(59_000))).toBeUndefined();
});

it('has 160 bits as 32 characters, and tells an app all that it needs', () => {
  expect(SECRET).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
  expect(otpauthUri(SECRET, 'ann')).toBe(
    `otpauth://totp/Lineclear:ann?issuer=Lineclear&secret=${SECRET}&algorithm=SHA1&digits=6&period=30`,
  );
});
