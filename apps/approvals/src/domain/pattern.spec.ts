import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatternError } from './linear-matcher.js';
import { compileGlob, compilePattern, isRegex } from './pattern.js';

describe('a glob', () => {
  it.each([
    ['a100*', 'a100-80gb', true],
    ['a100*', 'A100-80GB', true],
    ['A100*', 'a100', true],
    ['a100*', 'gpu-a100', false],
    ['gpu-a100*', 'gpu-a100', true],
    ['*-80gb', 'gpu-a100-80gb', true],
    ['*-80gb', 'gpu-a100-80gb-x', false],
    ['*', '', true],
    ['*', 'anything/at all.', true],
    ['prod*', 'prod/x', true],
    ['*', '.hidden', true],
    ['t?', 't4', true],
    ['t?', 't', false],
    ['t?', 't🙂', true],
    ['[ht]100', 'h100', true],
    ['[ht]100', 'a100', false],
    ['[!ht]100', 'a100', true],
    ['[!ht]100', 'H100', false],
    ['[A-C]100', 'b100', true],
    ['[a-c]100', 'B100', true],
    ['[]x]', ']', true],
    ['{a100,h100}-*', 'h100-nvl', true],
    ['{a100,h100}-*', 'l40-x', false],
    ['{a,b{c,d}}', 'bd', true],
    ['a,b}', 'a,b}', true],
    ['2x\\*', '2x*', true],
    ['2x\\*', '2xA', false],
    ['a.c', 'abc', false],
    ['(a|b)+', '(a|b)+', true],
    ['ÄRGER*', 'ärger-1', true],
    ['ΛΟΓΟΣ', 'ΛΟΓΟΣ', true],
    ['ΛΟΓΟΣ*', 'λογος-1', true],
    ['λογος', 'ΛΟΓΟΣ', true],
    ['İZMİR', 'İZMİR', true],
    ['İ?', 'İx', true],
    ['[А-Я]*', 'Проба', true],
    ['[А-Я]*', 'проба', true],
    ['[а-я]*', 'ПРОБА', true],
    ['[!А-Я]*', 'проба', false],
    ['', '', true],
    ['', 'a', false],
  ])('%j on %j is %s', (glob, name, matches) => {
    expect(compileGlob(glob)(name)).toBe(matches);
  });

  it.each([
    ['{a,b', 'has a { without its }'],
    ['[ab', 'has a [ without its ]'],
    ['[b-a]', 'has a range that runs backwards'],
    ['a\\', 'ends with a \\'],
  ])('%j is refused: %s', (glob, why) => {
    expect(() => compileGlob(glob)).toThrow(new PatternError(why));
  });

  it('without special characters matches itself in any case, and nothing longer', () => {
    const plain = fc.string({ maxLength: 40, unit: 'binary' }).filter((text) => !/[*?[\]{},\\]/.test(text));
    fc.assert(
      fc.property(plain, (text) => {
        expect(compileGlob(text)(text)).toBe(true);
        expect(compileGlob(text)(`${text}x`)).toBe(false);
        expect(compileGlob(`*${text}*`)(`before${text}after`)).toBe(true);
      }),
    );
  });
});

describe('a pattern', () => {
  it.each([
    ['^prod', true],
    ['prod$', true],
    ['prod', false],
    ['price\\$', false],
    ['odd\\\\$', true],
    ['*', false],
  ])('%j is a regular expression: %s', (text, regex) => {
    expect(isRegex(text)).toBe(regex);
  });

  it.each([
    ['^prod', 'production', true],
    ['^prod', 'my-prod', false],
    ['^PROD', 'prod-1', true],
    ['prod$', 'my-prod', true],
    ['^prod$', 'prod1', false],
    ['^(flux|sdxl)-v\\d+$', 'SDXL-v12', true],
    ['^(?:flux|sdxl)-v\\d{2,3}$', 'sdxl-v1', false],
    ['^a|b$', 'axx', true],
    ['^a|b$', 'xxb', true],
    ['^a|b$', 'xax', false],
    ['^[^a-c]+$', 'B', false],
    ['^[α-ω]+$', 'ΛΟΓΟΣ', true],
    ['^[^Α-Ω]+$', 'λογος', false],
    ['^[\\d-]+$', '2026-11', true],
    ['^\\W$', '-', true],
    ['^[\\W]$', 'a', false],
    ['^a.c$', 'a/c', true],
    ['^a\\.c$', 'abc', false],
    ['^x{0}y$', 'y', true],
    ['^(a*)*$', 'aaa', true],
    ['^', 'anything', true],
    ['$', 'anything', true],
  ])('%j on %j is %s', (pattern, name, matches) => {
    expect(compilePattern(pattern)(name)).toBe(matches);
  });

  it.each([
    ['^(a', 'has a ( without its )'],
    ['^a)', 'has a ) without its ('],
    ['^*', 'has nothing before its *'],
    ['^a**', 'has two quantifiers in a row'],
    ['^a{x}', 'has a { that is no quantifier (write \\{)'],
    ['^a{3,2}', 'has a quantifier that runs backwards'],
    ['^(a)\\1$', 'uses \\1, which is not supported'],
    ['^(?=a)', 'uses look-around or named groups, which are not supported'],
    ['^\\bword', 'uses \\b, which is not supported'],
    ['^[a', 'has a [ without its ]'],
    ['^[b-a]', 'has a range that is none'],
    ['^a$b', 'has more after its $'],
    ['a^$', 'has a ^ that is not at its start'],
    ['^((a{500}){500}){500}', 'repeats too much'],
    ['^(((){999}){999}){999}', 'repeats too much'],
  ])('%j is refused: %s', (pattern, why) => {
    expect(() => compilePattern(pattern)).toThrow(new PatternError(why));
  });

  // Each of these takes a backtracking matcher from seconds to the end of time.
  it.each([
    ['^(a+)+$'],
    ['^(a|a)*$'],
    ['^(a|aa)+$'],
    ['^(.*)*x$'],
    [`${'*a'.repeat(60)}*b`],
    [`^${'a?'.repeat(60)}${'a'.repeat(60)}$`],
  ])('%j does not hang on 200 characters', (pattern) => {
    expect(compilePattern(pattern)(`${'a'.repeat(199)}!`)).toBe(false);
  });

  const atom = fc.constantFrom('a', 'b', 'C', '.', '[ab]', '[^a]', '[A-C]', '\\d', '\\w', '\\W', '1', '-');
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{1,}', '*?'))
        .map(([a, q]) => `(?:${a})${q}`),
    ),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', '1', '-'), maxLength: 8 });

  it('agrees with the language it is run by', () => {
    fc.assert(
      fc.property(
        node,
        fc.constantFrom(['^', '$'], ['^', ''], ['', '$']),
        text,
        (body, [start, end], given) => {
          const pattern = `${start}(${body})${end}`;
          expect(compilePattern(pattern)(given)).toBe(new RegExp(pattern, 'is').test(given));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes or refuses any text, and never breaks', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60 }),
        fc.string({ maxLength: 40 }),
        fc.boolean(),
        (pattern, given, anchored) => {
          try {
            expect(compilePattern(`${anchored ? '^' : ''}${pattern}`)(given)).toBeTypeOf('boolean');
          } catch (error) {
            expect(error).toBeInstanceOf(PatternError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
