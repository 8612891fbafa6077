import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldText } from './linear-matcher.js';
import { LiteralIndex } from './literal-index.js';
import { compilePattern, literalOfPattern } from './pattern.js';

describe('what every match of a pattern holds', () => {
  it.each([
    ['flux-*', 'flux-'],
    ['*-80gb', '-80gb'],
    ['a*Team-x*b', 'team-x'],
    ['exact', 'exact'],
    ['{a100,h100}-big', '-big'],
    ['{only}-one', 'only-one'],
    ['[ab]*?', ''],
    ['*', ''],
    ['^prod-(eu|us)-\\d+$', 'prod-'],
    ['^(long-name)+$', ''],
    ['^ab?c-more', 'c-more'],
  ])('%s: %j', (pattern, literal) => {
    expect(literalOfPattern(pattern)).toBe(literal);
  });
});

describe('an index of literals', () => {
  it('gives what a text holds, what is meant by any text, and nothing else', () => {
    const long = 'a-literal-that-is-longer-than-a-key';
    const index = new LiteralIndex([
      ['flux', 1],
      ['', 2],
      ['lora', 3],
      ['flux', 4],
      [long, 5],
    ]);
    const of = (text: string): number[] => index.of(text).toSorted((a, b) => a - b);
    expect(of('a-flux-flux')).toEqual([1, 2, 4]);
    expect(of('flux-lora')).toEqual([1, 2, 3, 4]);
    expect(of('flu')).toEqual([2]);
    expect(of(`x${long}x`)).toEqual([2, 5]);
    expect(new LiteralIndex([]).of('any')).toEqual([]);
  });

  it('loses no pattern that matches, whatever the pattern and the name', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      'ß',
      'İ',
      'Σ',
      'ς',
      'k',
      '\u212a',
      '-',
      '1',
      '*',
      '?',
      '[a-b]',
      '[!a]',
      '{a,b}',
      '{a}',
    );
    const name = fc.string({
      unit: fc.constantFrom('a', 'A', 'b', 'ß', 'ẞ', 'İ', 'i', 'Σ', 'σ', 'ς', 'K', '\u212a', '-', '1'),
      maxLength: 8,
    });
    const glob = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.array(glob, { maxLength: 20 }), name, (globs, text) => {
        const index = new LiteralIndex(globs.map((one, n) => [literalOfPattern(one), n] as const));
        const found = new Set(index.of(foldText(text)));
        const matching = globs.flatMap((one, n) => (compilePattern(one)(text) ? [n] : []));
        expect(matching.filter((n) => !found.has(n))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
