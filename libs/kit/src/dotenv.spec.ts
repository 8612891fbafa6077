import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadDotenv, formatDotenv, parseDotenv } from './dotenv.js';

const pairs = (text: string): Record<string, string> =>
  Object.fromEntries(parseDotenv(text).map(({ name, value }) => [name, value]));

describe('a dotenv file', () => {
  it.each<[string, string, Record<string, string>]>([
    ['nothing', '', {}],
    ['comments and empty lines', '# a=1\n\n  # b\n', {}],
    ['a bare value', 'A=x y', { A: 'x y' }],
    ['white space around', '  A =  x  \n', { A: 'x' }],
    ['export', 'export A=x\nexport\tB=y', { A: 'x', B: 'y' }],
    ['a comment after a bare value', 'A=x # the key', { A: 'x' }],
    ['a # within a bare value', 'A=x#y', { A: 'x#y' }],
    ['an empty value', 'A=\nB=""\nC= # none', { A: '', B: '', C: '' }],
    ['single quotes as they stand', String.raw`A='x\n$Y "z"' # c`, { A: String.raw`x\n$Y "z"` }],
    ['double quotes with escapes', String.raw`A="x\n\"y\"\\ \$Z \q"`, { A: 'x\n"y"\\ $Z \\q' }],
    ['backticks', 'A=`it\'s "it"`', { A: `it's "it"` }],
    ['several lines', 'A="-----BEGIN\nabc\n-----END"\nB=2', { A: '-----BEGIN\nabc\n-----END', B: '2' }],
    ['a value that is not expanded', 'A=$HOME/${B}', { A: '$HOME/${B}' }],
    ['= in a value', 'A=x=y==', { A: 'x=y==' }],
    ['the ends of lines of Windows', 'A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['a byte order mark', '\uFEFFA=1', { A: '1' }],
    ['a name twice', 'A=1\nB=2\nA=3', { B: '2', A: '3' }],
    ['dots and dashes in names', 'ml.hf-token=x', { 'ml.hf-token': 'x' }],
  ])('reads %s', (_, text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  it.each([
    ['no assignment', 'A=1\nsecret-text', 2],
    ['a bad name', '1A=secret-text', 1],
    ['a line of a key', 'A=x\nSFVOVEVSMg==', 2],
    ['an open quote', 'A="1"\n\nB="secret-text\n', 3],
    ['text after a quote', 'A="1" secret-text', 1],
    ['a fault after several lines', 'A="1\n2\n3"\nsecret-text', 4],
  ])('refuses %s with the line, not with what stands there', (_, text, line) => {
    const error = (() => {
      try {
        return parseDotenv(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(BadDotenv);
    expect(error).toMatchObject({ line });
    expect(String(error)).not.toMatch(/secret-text|SFVO/);
  });

  it('gives back any values that were written to it', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/);
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('a', '"', "'", '\\', '$', '\n', '\t', '#', ' ', '=', '`', 'n') }),
    );
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (values) => {
        const clean = Object.fromEntries(
          Object.entries(values).map(([key, text]) => [key, text.replaceAll('\r\n', '\n')]),
        );
        const text = Object.entries(clean)
          .map(([key, one]) => formatDotenv(key, one))
          .join('\n');
        expect(pairs(text)).toEqual(clean);
      }),
    );
  });

  it('either reads any text or says which line is wrong', () => {
    const odd = fc.string({ unit: fc.constantFrom('A', '=', '"', "'", '\n', '\\', ' ', '#', '\r') });
    fc.assert(
      fc.property(odd, (text) => {
        try {
          parseDotenv(text);
        } catch (error) {
          expect(error).toBeInstanceOf(BadDotenv);
          expect((error as BadDotenv).line).toBeLessThanOrEqual(text.split('\n').length);
        }
      }),
    );
  });
});
