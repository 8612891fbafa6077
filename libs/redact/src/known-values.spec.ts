import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueForm } from './found-value.js';
import { KnownValues } from './known-values.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const found = (values: readonly string[], text: string): [number, ValueForm][] =>
  [...new KnownValues(values.map(bytes)).foundIn(bytes(text))].sort(([a], [b]) => a - b);

const TOKEN = 'hf_Ab+/"é\\x=1 9';
const b64 = (text: string): string => bytes(text).toString('base64');
const urlSafe = (text: string): string => bytes(text).toString('base64url');

describe('a value is found', () => {
  it.each([
    ['as it is', `token ${TOKEN}!`, 'raw'],
    ['in JSON', JSON.stringify({ a: TOKEN }), 'json'],
    ['in JSON of ASCII alone', String.raw`"hf_Ab+/\"\u00e9\\x=1 9"`, 'json'],
    ['in a URL', `https://a.example/?t=${encodeURIComponent(TOKEN)}&x=1`, 'url'],
    ['in a form', new URLSearchParams({ t: TOKEN }).toString(), 'url'],
    ['in base64', `x: ${b64(TOKEN)}`, 'base64'],
    ['in base64, one byte on', `Basic ${b64(`u${TOKEN}`)}`, 'base64'],
    ['in base64, two bytes on', `Basic ${b64(`u:${TOKEN}.`)}`, 'base64'],
    ['in base64 for URLs', `(${urlSafe(`{"a":1}${TOKEN}`)})`, 'base64'],
    ['in base64 without padding', `${b64(`ab${TOKEN}`).replaceAll('=', '')}`, 'base64'],
    ['in base64 amid letters', `path/to/${b64(TOKEN)}`, 'base64'],
    ['in base64 over lines', b64('u'.repeat(50) + TOKEN).replaceAll(/.{64}/g, '$&\n'), 'base64'],
    ['in base64 over Windows lines', b64('u'.repeat(50) + TOKEN).replaceAll(/.{64}/g, '$&\r\n'), 'base64'],
    ['in hex', `0x${bytes(TOKEN).toString('hex')}`, 'hex'],
    ['in capital hex', bytes(TOKEN).toString('hex').toUpperCase(), 'hex'],
    ['in hex after an odd digit', `a${bytes(TOKEN).toString('hex')}`, 'hex'],
  ])('%s', (_, text, form) => {
    expect(found([TOKEN], text)).toEqual([[0, form]]);
  });
});

it.each([
  ['nothing', [], 'text', []],
  ['not an empty value', [''], 'text', []],
  ['one that is in another', ['ushers', 'she', 'hers'], 'ushers', [0, 1, 2]],
  ['one that ends in the middle of another', ['abcd', 'bc'], 'abcx', [1]],
  ['two that are equal', ['abcd', 'x', 'abcd'], '(abcd)', [0, 2]],
  ['values of which one is hidden behind a false start', ['aab', 'ab'], 'aaab', [0, 1]],
  ['not half of one', ['abcdef'], 'abcde', []],
] as const)('finds %s', (_, values, text, expected) => {
  expect(found(values, text).map(([value]) => value)).toEqual(expected);
});

it('finds what a naive search finds, and nothing else', () => {
  // Letters whose encodings have others, so that only what is there as it is can be found.
  const word = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength });
  fc.assert(
    fc.property(fc.array(word(4), { maxLength: 8 }), word(40), (values, text) => {
      expect(found(values, text).map(([value]) => value)).toEqual(
        [...values.keys()].filter((index) => text.includes(values[index]!)),
      );
    }),
  );
});

const WRITERS: ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify(text).slice(1, -1),
  encodeURIComponent,
  b64,
  urlSafe,
  (text) => b64(text).replaceAll(/.{76}/g, '$&\n'),
  (text) => bytes(text).toString('hex'),
];

it('finds any value, whatever is around it before and after it is encoded', () => {
  const text = (minLength: number) => fc.string({ unit: 'grapheme', minLength, maxLength: 60 });
  fc.assert(
    fc.property(
      text(8),
      text(0),
      text(0),
      fc.constantFrom(...WRITERS),
      fc.string({ maxLength: 9 }),
      (value, before, after, write, around) => {
        const written = `${around}(${write(before + value + after)})${around}`;
        expect(new KnownValues([bytes(value)]).foundIn(bytes(written)).has(0)).toBe(true);
      },
    ),
  );
});

it('says where a value stands, so that the rest can be kept', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8 }).filter((value) => !value.endsWith('=')),
      fc.constantFrom(...WRITERS),
      (value, write) => {
        // Padding stands for nothing.
        const written = bytes(`<${write(value).replace(/=+$/, '')}>`);
        const places: [number, number][] = [];
        new KnownValues([bytes(value)]).find(written, ({ from, to }) => places.push([from, to]) > 0);
        expect(places).toContainEqual([1, written.length - 1]);
      },
    ),
  );
});

it.each([
  ['nothing that could go on', 'done\n', 5],
  ['the beginning of a value', 'a first\nsec', 2],
  ['half of an escape in JSON', String.raw`"\ud83d\ude`, 1],
  ['half of an escape in a URL', '?a=%4', 3],
  ['the beginning of a value in JSON', String.raw`"first\nsecon`, 1],
  ['a line of base64 that may be broken', `x\n${b64(`${'u'.repeat(52)}first`)}\n`, 71],
  ['one with half of a Windows end', `x\n${b64(`${'u'.repeat(52)}first`)}\r`, 71],
  ['a short line of base64', `${b64('first\n')}\n`, 9],
])('knows of a text that ends with %s', (_, text, openFrom) => {
  expect(new KnownValues([bytes('first\nsecond')]).find(bytes(text), () => true)).toBe(openFrom);
});

it('finds ten thousand values in a mebibyte that is made to be slow', () => {
  // Each is in the next one, and all of the text is the beginning of one.
  const values = Array.from({ length: 10_000 }, (_, n) => bytes('a'.repeat(8 + (n % 249))));
  const known = new KnownValues(values);
  expect(known.foundIn(Buffer.alloc(1 << 20, 'a')).size).toBe(values.length);
});

it('finds nothing once it was dropped', () => {
  const known = new KnownValues([bytes('hunter2!')]);
  known.drop();
  expect(known.foundIn(bytes('hunter2!')).size).toBe(0);
});
