import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownValues } from './known-values.js';
import { maskStream } from './mask-stream.js';
import { partsOf } from './parts-of.js';

const known = (values: readonly string[]) => new KnownValues(values.map((value) => Buffer.from(value)));
const mask = (values: readonly string[], chunks: readonly string[], replacement?: string): string => {
  const masker = maskStream(known(values), replacement);
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
    const masker = maskStream(known(['hunter2']));
    expect(masker.push(Buffer.from('Password: ')).toString()).toBe('Password: ');
    expect(masker.push(Buffer.from('go on? h')).toString()).toBe('go on? ');
  });

  it.each([
    ['a letter that is none of its beginning', 'go on? y'],
    ['a word', 'Continue'],
    ['a percentage', '\r45%'],
    ['what turns round', '\b\\'],
    ['a plus', 'a +'],
    ['digits', 'step 6'],
    ['the first bits of it with others before in a letter of base64', 'bWU6d'],
    ['a short line of base64', 'aHVudGVy\n'],
    ['a line of base64 in which it does not begin', `${'dXV1'.repeat(19)}\n`],
  ])('does not wait with %s', (_, text) => {
    expect(
      maskStream(known(['hunter2!']))
        .push(Buffer.from(text))
        .toString(),
    ).toBe(text);
  });

  it.each([
    ['JSON', 'hunter2!"x', '{"v":"hun', '{"v":"'],
    ['half an escape in JSON', '"hunter2!', '{"v":"\\', '{"v":"'],
    ['half an escape in a URL', '/hunter2!', '?v=%2', '?v='],
    ['half an escape in its middle', 'hunter/2!', '?v=hunter%', '?v='],
    ['base64', 'hunter2!', 'Basic bWU6aHVu', 'Basic bWU6'],
    ['base64 over lines', 'hunter2!', `${'dXV1'.repeat(18)}aHVu\n`, 'dXV1'.repeat(18)],
    ['hex', 'hunter2!', '0x6875', '0x6'],
  ])('waits with what may be its beginning in %s', (_, value, text, shown) => {
    expect(
      maskStream(known([value]))
        .push(Buffer.from(text))
        .toString(),
    ).toBe(shown);
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

  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const writers: ((text: string) => string)[] = [
    (text) => text,
    (text) => JSON.stringify(text),
    (text) => encodeURIComponent(text),
    base64,
    (text) => base64(text).replaceAll(/.{76}/g, '$&\n'),
    (text) => base64(text).replaceAll(/.{64}/g, '$&\r\n'),
    (text) => Buffer.from(text).toString('hex'),
  ];

  it('is what it is for the whole text in any form, however it is cut', () => {
    const around = fc.string({ unit: 'grapheme', maxLength: 90 });
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 4, maxLength: 60 }),
        around,
        around,
        fc.constantFrom(...writers),
        fc.array(fc.nat(400), { maxLength: 30 }),
        (value, before, after, write, cuts) => {
          const text = Buffer.from(`(${write(before + value + after)}) ${value}`);
          const places = [0, ...cuts.sort((a, b) => a - b), text.length];
          const chunks = places.map((cut, n) => text.subarray(places[n - 1] ?? 0, cut).toString('latin1'));
          const whole = mask([value], [text.toString('latin1')]);
          expect(mask([value], chunks)).toBe(whole);
          expect(whole).toMatch(/\[secret\].* .*\[secret\]$/s);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('leaves bytes that are no text as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const masker = maskStream(known(['never in there, at this length']));
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
    const masked = Buffer.from(mask([value], [Buffer.from(text).toString('latin1')]), 'latin1');
    expect(masked.toString()).toContain('[secret]');
    expect(masked.toString()).not.toMatch(/key/i);
    expect(masked.toString()).not.toContain(Buffer.from(value).toString('base64').slice(4, 12));
  });

  it('are those of the long words of a file, wherever they stand', () => {
    const key = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ';
    const parts = partsOf(`-----BEGIN KEY-----\n${key}\nshort\n-----END KEY-----\n`);
    expect(mask(parts, [`2026 INFO ${key}`])).toBe('2026 INFO [secret]');
    expect(mask(parts, ['short'])).toBe('short');
  });

  it('hide the value in base64 at any place among others', () => {
    const text = fc.string({ minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(text, fc.string(), fc.string(), (secret, before, after) => {
        const encoded = Buffer.from(before + secret + after).toString('base64');
        expect(mask([secret], [encoded])).toContain('[secret]');
      }),
    );
  });
});
