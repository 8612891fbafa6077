import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AtRest } from './at-rest.js';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const text = fc.string({ unit: 'grapheme', maxLength: 200 });

it('opens what it sealed, and shows nothing of it', () => {
  fc.assert(
    fc.property(bytes32, text, text, (key, row, clear) => {
      const atRest = new AtRest(key);
      const sealed = atRest.seal('provider-secret', row, clear);
      expect(atRest.open('provider-secret', row, sealed).reveal()).toBe(clear);
      expect(sealed.length).toBe(12 + Buffer.byteLength(clear) + 16);
      expect(atRest.seal('provider-secret', row, clear)).not.toEqual(sealed);
    }),
  );
});

it('opens nothing for another row, another purpose, with another key, or after a change', () => {
  fc.assert(
    fc.property(bytes32, bytes32, text, fc.nat(), (key, other, clear, at) => {
      const atRest = new AtRest(key);
      const sealed = atRest.seal('provider-secret', 'a', clear);
      expect(() => atRest.open('provider-secret', 'b', sealed)).toThrow();
      expect(() => atRest.open('oidc-verifier', 'a', sealed)).toThrow();
      if (!key.equals(other)) expect(() => new AtRest(other).open('provider-secret', 'a', sealed)).toThrow();
      const changed = Buffer.from(sealed);
      const index = at % changed.length;
      changed[index] = changed[index]! ^ 1;
      expect(() => atRest.open('provider-secret', 'a', changed)).toThrow();
    }),
  );
});

it.each([0, 5, 27])('opens nothing in %i bytes', (length) => {
  expect(() => new AtRest(Buffer.alloc(32)).open('oidc-verifier', 'a', Buffer.alloc(length))).toThrow();
});

it('is known by its check value', () => {
  fc.assert(
    fc.property(bytes32, bytes32, (one, other) => {
      expect(new AtRest(one).checkValue.equals(new AtRest(other).checkValue)).toBe(one.equals(other));
      expect(new AtRest(one).checkValue.includes(one)).toBe(false);
    }),
  );
});
