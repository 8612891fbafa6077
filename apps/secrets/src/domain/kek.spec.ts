import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveFirstKek, deriveRoot, isFirstKek } from './kek.js';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

it('knows the same key again and no other', () => {
  fc.assert(
    fc.property(bytes32, bytes32, (one, other) => {
      const [first, second] = [deriveFirstKek(one), deriveFirstKek(other)];
      expect(isFirstKek(first, first)).toBe(true);
      expect(isFirstKek(first, second)).toBe(one.equals(other));
      expect(isFirstKek(first, { id: first.id, checkValue: second.checkValue })).toBe(one.equals(other));
      expect(isFirstKek(first, { id: first.id, checkValue: null })).toBe(false);
      expect(deriveRoot(one).id === deriveRoot(other).id).toBe(one.equals(other));
    }),
  );
});

it('shows nothing of the key in what is kept or named', () => {
  const master = Buffer.alloc(32, 5);
  const { id, checkValue, wrappingKey } = deriveFirstKek(master);
  const root = deriveRoot(master);
  const bytes = [master, checkValue, wrappingKey, root.wrappingKey].map((buffer) => buffer.toString('hex'));
  expect(new Set(bytes).size).toBe(4);
  expect(id).toMatch(/^kek_[0-9a-f]{16}$/);
  expect(root.id).toMatch(/^local:[0-9a-f]{16}$/);
});

it('takes no master key of another length', () => {
  expect(() => deriveRoot(Buffer.alloc(16))).toThrow('32 bytes');
});
