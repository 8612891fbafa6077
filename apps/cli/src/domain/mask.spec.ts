import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskedForms } from './mask-forms.js';
import { maskStream } from './mask.js';

const mask = (values: readonly string[], chunks: readonly string[], replacement?: string): string => {
  const masker = maskStream(values, replacement);
  return Buffer.concat([
    ...chunks.map((chunk) => masker.push(Buffer.from(chunk, 'latin1'))),
    masker.end(),
  ]).toString('latin1');
};

describe('values in a stream', () => {
  it.each<[string, string[], string[], string]>([
    ['are replaced', ['hunter2'], ['a hunter2 b'], 'a # b'],
    ['that are cut across chunks are replaced', ['hunter2'], ['a hun', 'te', 'r2 b'], 'a # b'],
    ['that only begin are shown', ['hunter2'], ['a hunte', 'd'], 'a hunted'],
    ['that begin at the very end are shown there', ['hunter2'], ['a hunter'], 'a hunter'],
    ['that overlap are one', ['abcd', 'cdef'], ['xabcdefx'], 'x#x'],
    ['that touch are one', ['abcd'], ['abcd', 'abcd'], '#'],
    ['that are apart are two', ['abcd'], ['abcd abcd'], '# #'],
    ['within others are the others', ['bc', 'abcd'], ['a', 'b', 'c', 'd'], '#'],
    ['whose beginning is another are the longer', ['abc', 'abcdef'], ['abcde', 'f!'], '#!'],
    ['whose beginning is another are the shorter', ['abc', 'abcdef'], ['abcde', '!'], '#de!'],
    ['that repeat themselves are one run', ['aaa'], ['aa', 'aa', 'ab'], '#b'],
    ['need not be there', [], ['abc'], 'abc'],
    ['that are empty are none', [''], ['abc'], 'abc'],
  ])('%s', (_, values, chunks, expected) => {
    expect(mask(values, chunks, '#')).toBe(expected);
  });

  it('does not wait for more than a value can need', () => {
    const masker = maskStream(['hunter2']);
    expect(masker.push(Buffer.from('Password: ')).toString()).toBe('Password: ');
    expect(masker.push(Buffer.from('go on? h')).toString()).toBe('go on? ');
  });

  const letters = (characters: string, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...Array.from(characters)), maxLength });
  /** Each byte by itself: is it in any occurrence? */
  const naive = (values: readonly string[], text: string): string => {
    const isCovered = Array.from(text, () => false);
    for (const value of values)
      for (let at = text.indexOf(value); value !== '' && at !== -1; at = text.indexOf(value, at + 1))
        isCovered.fill(true, at, at + value.length);
    return Array.from(text, (letter, at) => (isCovered[at] ? (isCovered[at - 1] ? '' : '#') : letter)).join(
      '',
    );
  };

  it('is what it is for the whole text, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(letters('ab', 5), { maxLength: 4 }),
        fc.array(letters('abc', 8), { maxLength: 8 }),
        (values, chunks) => {
          expect(mask(values, chunks, '#')).toBe(naive(values, chunks.join('')));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('leaves bytes that are no text as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const masker = maskStream(['never in there, at this length']);
        expect(Buffer.concat([masker.push(bytes), masker.end()])).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

describe('the forms of a value', () => {
  const value = 'p/w+"ö ~key*42';
  it.each([
    ['as it is', value],
    ['JSON', JSON.stringify({ value })],
    ['the JSON of Python', String.raw`{"v": "p/w+\"\u00f6 ~key*42"}`],
    ['the JSON of PHP', String.raw`{"v": "p\/w+\"ö ~key*42"}`],
    ['a URL', `https://host/?token=${encodeURIComponent(value)}&a=1`],
    ['a form', `a=1&${new URLSearchParams({ value }).toString()}`],
    ['a URL in small letters', encodeURIComponent(value).toLowerCase()],
    ['base64', Buffer.from(value).toString('base64')],
    ['base64 of a URL', Buffer.from(value).toString('base64url')],
    ['a header of basic authentication', `Basic ${Buffer.from(`u:${value}`).toString('base64')}`],
    ['base64 with more before and after', Buffer.from(`user:${value}\nmore`).toString('base64')],
  ])('are found in %s', (_, text) => {
    const masked = Buffer.from(mask(maskedForms([value]), [Buffer.from(text).toString('latin1')]), 'latin1');
    expect(masked.toString()).toContain('[secret]');
    expect(masked.toString()).not.toMatch(/key/i);
    expect(masked.toString()).not.toContain(Buffer.from(value).toString('base64').slice(4, 12));
  });

  it('are those of the long words of a file, wherever they stand', () => {
    const key = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ';
    const forms = maskedForms([`-----BEGIN KEY-----\n${key}\nshort\n-----END KEY-----\n`]);
    expect(mask(forms, [`2026 INFO ${key}`])).toBe('2026 INFO [secret]');
    expect(mask(forms, ['short'])).toBe('short');
  });

  it('are none for values so short that they are everywhere', () => {
    expect(maskedForms(['12345'])).toEqual([]);
    expect(maskedForms(['123456'])).toContain('123456');
  });

  it('hide the value in base64 at any place among others', () => {
    const text = fc.string({ minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(text, fc.string(), fc.string(), (secret, before, after) => {
        const encoded = Buffer.from(before + secret + after).toString('base64');
        expect(mask(maskedForms([secret]), [encoded])).toContain('[secret]');
      }),
    );
  });
});
