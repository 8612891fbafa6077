import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveKek, isSameKek } from './kek.js';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

it('knows the same key again and no other', () => {
  fc.assert(
    fc.property(bytes32, bytes32, (one, other) => {
      expect(isSameKek(deriveKek(one), deriveKek(one))).toBe(true);
      expect(isSameKek(deriveKek(one), deriveKek(other))).toBe(one.equals(other));
      expect(
        isSameKek(deriveKek(one), { id: deriveKek(one).id, checkValue: deriveKek(other).checkValue }),
      ).toBe(one.equals(other));
    }),
  );
});

it('shows nothing of the key in what is kept', () => {
  const master = Buffer.alloc(32, 5);
  const { id, checkValue, wrappingKey } = deriveKek(master);
  expect(
    new Set([master.toString('hex'), checkValue.toString('hex'), wrappingKey.toString('hex')]).size,
  ).toBe(3);
  expect(id).toMatch(/^kek_[0-9a-f]{16}$/);
});
