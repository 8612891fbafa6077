import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeMasterKey, deriveKek, isSameKek } from './kek.js';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

it('reads back every key of 32 bytes, with white space around it or not', () => {
  fc.assert(
    fc.property(bytes32, (key) => decodeMasterKey(` ${key.toString('base64')}\n`)?.equals(key) === true),
  );
});

it.each([
  '',
  'secret',
  'A'.repeat(42),
  'A'.repeat(45),
  Buffer.alloc(31).toString('base64'),
  Buffer.alloc(33).toString('base64'),
  '!'.repeat(44),
  'ab'.repeat(32),
])('takes %j for no key', (text) => expect(decodeMasterKey(text)).toBeUndefined());

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
