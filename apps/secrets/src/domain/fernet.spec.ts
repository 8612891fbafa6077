import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { looksEncrypted, openFernet, openSimpletuner, simpletunerKey } from './fernet.js';

const SECRET = 'a key of a test';
const KEY = simpletunerKey(SECRET);
const TOKEN =
  'gAAAAABpKOYAHjfpM2rPsUHzfP9TMX98o7Y1EROf0w7o5RzaVlqNFnAgv2m7KCDHY-AKJjv84n05VycoACGlUazjZOb24nfMrQ==';
const encodedAgain = (token: string): string => Buffer.from(token, 'latin1').toString('base64url');

/** Writes as Python's library does. */
function write(value: string, key: Buffer, iv = Buffer.alloc(16, 7)): string {
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_764_288_000n);
  const signed = Buffer.concat([Buffer.of(0x80), time, iv, cipher.update(value, 'utf8'), cipher.final()]);
  const mac = createHmac('sha256', key.subarray(0, 16)).update(signed).digest();
  return Buffer.concat([signed, mac]).toString('base64url');
}

// Written by Python's cryptography 48.0.0, with the key that SimpleTuner derives.
it.each([
  ['a token', TOKEN, 'hf_simpletuner'],
  [
    'nothing',
    'gAAAAABpKOYADTpClvpOgWvKcje4RatmskqscLpvp_bQ_2MmyCAEzOGg0fun7mAyiZ_w9abwOWNYvECsOg_tOu6wUyIg2cJ8cA==',
    '',
  ],
  [
    'Unicode',
    'gAAAAABpKOYAdOXilpOGyF7WfQIT9euWdbZTtaur7ZQPFlXNPo_2ws4vAQrFoLn0yOQw_o10YqtdfzgJzODE9uDByvtNeBWEnQ==',
    'é🚄 ünï',
  ],
])('opens %s that another library wrote, once or twice encoded', (_, token, value) => {
  expect(openSimpletuner(token, KEY)).toBe(value);
  expect(openSimpletuner(encodedAgain(token), KEY)).toBe(value);
  expect([looksEncrypted(token), looksEncrypted(encodedAgain(token))]).toEqual([true, true]);
});

it.each([
  ['a plain token', 'hf_abcdefgh'],
  ['nothing', ''],
  ['a text that only begins so', 'gAAAAA and more'],
])('does not take %s for encrypted', (_, stored) => {
  expect(looksEncrypted(stored)).toBe(false);
});

it('opens what was written, and nothing with a changed bit or another key', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), key, fc.nat(), fc.nat(7), (value, own, place, bit) => {
      const token = write(value, own);
      expect(openFernet(token, own)?.toString()).toBe(value);
      const changed = Buffer.from(token, 'base64url');
      changed[place % changed.length]! ^= 1 << bit;
      expect(openFernet(changed.toString('base64url'), own)).toBeUndefined();
      expect(openFernet(token, KEY)).toBeUndefined();
    }),
  );
});

it('opens no part of a token, and no text that is none', () => {
  for (let length = 0; length < TOKEN.length - 2; length += 1)
    expect(openFernet(TOKEN.slice(0, length), KEY)).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => openSimpletuner(text, KEY) === undefined));
});
