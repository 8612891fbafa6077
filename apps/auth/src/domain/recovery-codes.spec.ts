import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RECOVERY_CODE_BYTES, recoveryCodeIn, recoveryCodeOf } from './recovery-codes.js';

const bytes = fc.uint8Array({ minLength: RECOVERY_CODE_BYTES, maxLength: RECOVERY_CODE_BYTES });

it('is another for other bytes, and is read again however it is typed', () => {
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      const code = recoveryCodeOf(one);
      expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
      expect(recoveryCodeOf(other) === code).toBe(Buffer.from(one).equals(Buffer.from(other)));
      for (const typed of [
        code,
        code.toUpperCase(),
        code.replaceAll('-', ''),
        ` ${code.replaceAll('-', ' ')} `,
      ])
        expect(recoveryCodeIn(typed)).toBe(code);
    }),
  );
});

it.each(['', 'abcd', 'abcd-efgh-ijkl-mno1', 'abcd-efgh-ijkl-mnopq', 'abcd_efgh_ijkl_mnop'])(
  'reads none in %j',
  (typed) => {
    expect(recoveryCodeIn(typed)).toBeUndefined();
  },
);
