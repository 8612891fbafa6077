import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor } from './redact.js';

const of = (values: readonly string[]) =>
  redactor(values.map((value, index) => ({ name: `SECRET_${index}`, value })));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const hex = (text: string): string => Buffer.from(text).toString('hex');

it.each([
  ['a value', ['hunter2!'], 'pw=hunter2! hunter2!', 'pw=[secret] [secret]'],
  ['the longer of two', ['tokens', 'tokens-1'], 'tokens-1 tokens', '[secret] [secret]'],
  ['two values that overlap', ['abcdef', 'efghij'], '<abcdefghij>', '<[secret]>'],
  ['nothing too short', ['a', 'abc', '12345', ''], 'abc banana 12345', 'abc banana 12345'],
  ['what looks like a pattern', ['$&.*()'], 'x $&.*() y', 'x [secret] y'],
  ['the lines of a key', ['-----KEY-----\nAAAABBBB\n-----END-----'], 'x AAAABBBB y', 'x [secret] y'],
  ['lines with Windows ends', ['one of many\r\nanother line\nend'], 'another line', '[secret]'],
  ['a value in JSON', ['a"quote\\d'], JSON.stringify({ v: 'a"quote\\d' }), '{"v":"[secret]"}'],
  ['lines in JSON', ['first\nsecond'], String.raw`{"v":"first\nsecond"}`, '{"v":"[secret]"}'],
  ['a value in base64', ['hunter2!'], `Basic ${base64('me:hunter2!')}.`, 'Basic bWU6[secret]=.'],
  ['a value in a URL', ['a b/c&d'], '?t=a%20b%2Fc%26d&x', '?t=[secret]&x'],
  ['a value in hex', ['hunter2!'], `(${hex('hunter2!')})`, '([secret])'],
  ['what is around it, as it was', ['hunter2!'], 'é hunter2! 🚄', 'é [secret] 🚄'],
])('hides %s', (_, values, text, expected) => {
  expect(of(values).clean(text).text).toBe(expected);
});

it('tells which secrets it hid, each once, and how they were written', () => {
  const { hits } = of(['hunter2!', 'not there', 'other-one']).clean(
    `hunter2! hunter2! ${base64('hunter2!')} ${hex('other-one')}`,
  );
  expect(hits).toEqual([
    { name: 'SECRET_0', form: 'raw' },
    { name: 'SECRET_2', form: 'hex' },
  ]);
});

it('tells of two secrets that are equal', () => {
  expect(
    of(['hunter2!', 'hunter2!'])
      .clean('hunter2!')
      .hits.map(({ name }) => name),
  ).toEqual(['SECRET_0', 'SECRET_1']);
});

describe('a log that is read in parts', () => {
  const anyhow = (value: string): string => value;
  const broken = (value: string): string =>
    base64(`${'u'.repeat(50)}${value}${'v'.repeat(50)}`).replaceAll(/.{76}/g, '$&\n');
  /** Reads as the log reader does: what was not taken is read again, with what came meanwhile. */
  const readInParts = (values: readonly string[], text: string, cuts: readonly number[]): string => {
    const { clean } = of(values);
    let [read, from] = ['', 0];
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      if (cut <= from) continue;
      const part = clean(text.slice(from, cut), true);
      read += part.text;
      from += part.taken;
    }
    return read + clean(text.slice(from)).text;
  };
  const secret = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '9', '"'), minLength: 8, maxLength: 80 });
  const log = (...writers: readonly ((value: string) => string)[]) =>
    fc
      .tuple(secret, fc.constantFrom(...writers), fc.string(), fc.string())
      .map(([value, write, before, after]) => ({ value, text: `${before}\n${write(value)}\n${after}\n` }));
  // A value can hold itself at many places: how much of it is one place is a matter of taste.
  const once = (text: string): string => text.replaceAll(/(\[secret\])+/g, '[secret]');

  it('is as clean as one that is read at once, wherever it is cut', () => {
    fc.assert(
      fc.property(
        log(JSON.stringify, encodeURIComponent, base64, hex),
        fc.array(fc.nat(300)),
        ({ value, text }, cuts) => {
          expect(once(readInParts([value], text, cuts))).toBe(once(of([value]).clean(text).text));
        },
      ),
    );
  });

  it('is as clean when it is read line by line and values go over lines', () => {
    fc.assert(
      fc.property(log(broken, anyhow), ({ value, text }) => {
        const lineEnds = Array.from(text.matchAll(/\n/g), ({ index }) => index + 1);
        expect(once(readInParts([value], text, lineEnds))).toBe(once(of([value]).clean(text).text));
      }),
    );
  });

  it('waits with a line that may be the beginning of a value, and goes on where that was', () => {
    const { clean } = of(['hunter2!\nline 2']);
    expect(clean('a\nhunter2!\n', true)).toMatchObject({ text: 'a\n', taken: 2 });
    expect(clean('hunter2!\nno\n', true)).toMatchObject({ text: '[secret]\nno\n', taken: 12 });
  });

  it('does not wait for ever', () => {
    const long = 'a'.repeat(200_000);
    expect(of([`${long}b`]).clean(long, true).taken).toBe(long.length);
  });
});
