import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CannotOpen,
  openRecord,
  rewrapRecord,
  sealRecord,
  type Binding,
  type Randomness,
  type SealedRecord,
} from './envelope.js';
import { deriveFirstKek } from './kek.js';

const key = (byte: number, version = 1) => ({
  id: `kek_${byte}`,
  version,
  wrappingKey: Buffer.alloc(32, byte),
});
const KEK = key(7);
const FIRST_RELEASE = {
  wrappedKey:
    '4c43520101146b656b5f3739333834636231316164383332396328b8b97ce72082e31ba2c4d3dedd96022f5f3aa54a63a984529b712d2402208369ca67f4d37fd9fb2e1055534808251004d720cedbb7b797ef85898b',
  nonce: 'ce58c1a2f0fd9b02a5a759de',
  ciphertext: 'b9262021532d53379da9b1df1708d46f667505a2',
};
const HOME: Binding = { purpose: 'secret', scope: 'user:1', secretId: '8b1c', name: 'HF_TOKEN', version: 3 };
const draw = (): Randomness => ({
  dataKey: randomBytes(32),
  nonce: randomBytes(12),
  wrapNonce: randomBytes(12),
});
const seal = (text: string, binding = HOME): SealedRecord =>
  sealRecord(KEK, binding, Buffer.from(text), draw());
const open = (record: SealedRecord, binding = HOME): string => openRecord(KEK, binding, record).toString();

const binding = fc.record<Binding>({
  purpose: fc.constantFrom('secret', 'sealing-key', 'fingerprint-key'),
  scope: fc.string(),
  secretId: fc.string(),
  name: fc.string(),
  version: fc.nat(),
});

describe('an envelope', () => {
  it('gives back what went in, for any value at any place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), binding, (value, at) =>
        openRecord(KEK, at, sealRecord(KEK, at, Buffer.from(value), draw())).equals(value),
      ),
    );
  });

  it('opens at no other place than the one it was sealed for', () => {
    fc.assert(
      fc.property(binding, binding, (at, elsewhere) => {
        fc.pre(JSON.stringify(at) !== JSON.stringify(elsewhere));
        expect(() => open(seal('x', at), elsewhere)).toThrow(CannotOpen);
      }),
    );
  });

  it.each<[string, Partial<Binding>]>([
    ['another version', { version: 2 }],
    ['another name', { name: 'HF_TOKEN2' }],
    ['another secret of that name', { secretId: '8b1d' }],
    ["another user's", { scope: 'user:2' }],
    ['another purpose', { purpose: 'sealing-key' }],
    ['fields that join to the same text', { scope: 'user:18b', secretId: '1c' }],
  ])('does not open as %s', (_, change) => {
    expect(() => open(seal('x'), { ...HOME, ...change })).toThrow(CannotOpen);
  });

  it('does not open with any bit flipped anywhere', () => {
    const record = seal('a value');
    for (const part of ['wrappedKey', 'nonce', 'ciphertext'] as const) {
      for (let bit = 0; bit < record[part].length * 8; bit += 1) {
        const changed = Buffer.from(record[part]);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => open({ ...record, [part]: changed }), `${part} bit ${bit}`).toThrow(CannotOpen);
      }
    }
  });

  it('does not open cut short, padded, or with a shortened tag', () => {
    const record = seal('a value');
    for (const part of ['wrappedKey', 'nonce', 'ciphertext'] as const) {
      for (let cut = 1; cut <= record[part].length; cut += 1) {
        expect(() => open({ ...record, [part]: record[part].subarray(0, -cut) }), `${part} -${cut}`).toThrow(
          CannotOpen,
        );
      }
      expect(() => open({ ...record, [part]: Buffer.concat([record[part], Buffer.alloc(1)]) })).toThrow(
        CannotOpen,
      );
    }
  });

  it('does not open with parts of another record, or under another key', () => {
    const [one, two] = [seal('one'), seal('two')];
    expect(() => open({ ...one, ciphertext: two.ciphertext })).toThrow(CannotOpen);
    expect(() => open({ ...one, ciphertext: two.ciphertext, nonce: two.nonce })).toThrow(CannotOpen);
    expect(() => open({ ...one, wrappedKey: two.wrappedKey })).toThrow(CannotOpen);
    expect(() => openRecord(key(8), HOME, one)).toThrow(CannotOpen);
    expect(() => openRecord({ ...key(8), id: KEK.id }, HOME, one)).toThrow(CannotOpen);
  });

  it('opens under another key once it was wrapped anew, and no longer under the old one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), binding, (value, at) => {
        const old = sealRecord(KEK, at, Buffer.from(value), draw());
        const anew = rewrapRecord(KEK, key(8, 2), at, old, randomBytes(12));
        expect(anew.ciphertext).toEqual(old.ciphertext);
        expect(openRecord(key(8, 2), at, anew).equals(value)).toBe(true);
        expect(() => openRecord(KEK, at, anew)).toThrow(CannotOpen);
        expect(() => openRecord(key(8, 3), at, anew)).toThrow(CannotOpen);
      }),
    );
  });

  it('is not wrapped anew for another place, or from another key', () => {
    const record = seal('x');
    expect(() => rewrapRecord(KEK, key(8), { ...HOME, version: 2 }, record, randomBytes(12))).toThrow(
      CannotOpen,
    );
    expect(() => rewrapRecord(key(9), key(8), HOME, record, randomBytes(12))).toThrow(CannotOpen);
  });

  it('still opens from before headers told the version', () => {
    // Sealed by the first release: master key of 32 bytes 7, at this place.
    const kek = { ...deriveFirstKek(Buffer.alloc(32, 7)), version: 1 };
    const record = Object.fromEntries(
      Object.entries(FIRST_RELEASE).map(([part, hex]) => [part, Buffer.from(hex, 'hex')]),
    ) as unknown as SealedRecord;
    expect(openRecord(kek, HOME, { ...record, kekId: kek.id }).toString()).toBe('kept');
  });

  it('forgets its data key, and never gives the same bytes twice', () => {
    const random = draw();
    sealRecord(KEK, HOME, Buffer.from('x'), random);
    expect(random.dataKey.equals(Buffer.alloc(32))).toBe(true);
    expect(seal('x').ciphertext.equals(seal('x').ciphertext)).toBe(false);
  });

  it('takes no random bytes of a wrong length', () => {
    expect(() => sealRecord(KEK, HOME, Buffer.from('x'), { ...draw(), nonce: randomBytes(11) })).toThrow(
      'wrong length',
    );
    expect(() => sealRecord(KEK, HOME, Buffer.from('x'), { ...draw(), dataKey: randomBytes(16) })).toThrow(
      'wrong length',
    );
  });
});
