import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenTemplate, expand, LIMITS, referencesIn, type Text } from './template.js';

const value = (text: string): Text => ({ text, isTemplate: false });
const template = (text: string): Text => ({ text, isTemplate: true });
const texts = (all: Record<string, Text>) => new Map(Object.entries(all));

it.each<[string, string[]]>([
  ['', []],
  ['plain', []],
  ['${A}', ['A']],
  ['postgres://${USER}:${PASSWORD}@db/${USER}', ['USER', 'PASSWORD']],
  ['$${A}', []],
  ['$$${A}', []],
  ['${not a name}', []],
  ['${A', []],
  ['$A', []],
  ['${hf-token.v2}', ['hf-token.v2']],
])('finds in %j the references %j', (text, names) => expect(referencesIn(text)).toEqual(names));

it.each<[string, string]>([
  ['postgres://${USER}:${PASSWORD}@db', 'postgres://ada:p$$w@db'],
  ['$${USER} is ${USER}', '${USER} is ada'],
  ['${NESTED}', '<ada>'],
  // A value is not searched: it may look like a reference.
  ['${ODD}', '${USER}'],
])('fills %j in as %j', (text, filled) => {
  const all = texts({
    USER: value('ada'),
    PASSWORD: value('p$$w'),
    NESTED: template('<${USER}>'),
    ODD: value('${USER}'),
    IT: template(text),
  });
  expect(expand(['IT'], all).get('IT')).toBe(filled);
});

describe('a template that has no value', () => {
  it.each<[string, Record<string, Text>, string]>([
    ['names itself', { A: template('${A}') }, 'a circle: A -> A'],
    [
      'goes round',
      { A: template('${B}'), B: template('${C}'), C: template('x${A}') },
      'a circle: A -> B -> C -> A',
    ],
    ['names what is not there', { A: template('${B}') }, 'A refers to B, which is not there'],
  ])('%s', (_, all, said) => {
    expect(() => expand(['A'], texts(all))).toThrow(new BrokenTemplate(said));
  });

  it('leads too deep', () => {
    const chain = (length: number) =>
      texts(
        Object.fromEntries(
          Array.from({ length }, (_, n) => [`N${n}`, template(n + 1 < length ? `\${N${n + 1}}` : 'end')]),
        ),
      );
    expect(expand(['N0'], chain(LIMITS.depth + 1)).get('N0')).toBe('end');
    expect(() => expand(['N0'], chain(LIMITS.depth + 2))).toThrow('leads through more than');
  });

  it('grows beyond all bounds, as each step doubles it', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 9 }, (_, n) => [`N${n}`, template(`\${N${n + 1}}`.repeat(8))]),
    );
    expect(() => expand(['N0'], texts({ ...doubling, N9: value('boom') }))).toThrow('is longer than');
  });

  it('does not tell values', () => {
    const all = texts({ A: template('${B}${C}'), B: value('hunter2') });
    expect(() => expand(['A'], all)).toThrow(/^(?!.*hunter2)/);
  });
});

it('ends for every set of templates, with the value that a naive reader would find or not at all', () => {
  const names = ['A', 'B', 'C', 'D'];
  const part = fc.oneof(
    fc.constantFrom('x', '-', '$', '$${A}'),
    fc.constantFrom(...names).map((name) => `\${${name}}`),
  );
  const text = fc.record({
    isTemplate: fc.boolean(),
    text: fc.array(part, { maxLength: 4 }).map((parts) => parts.join('')),
  });
  /** Fills in by hand, and gives up after so many steps. */
  const naive = (name: string, all: ReadonlyMap<string, Text>, steps = 12): string => {
    const { text: raw, isTemplate } = all.get(name)!;
    if (!isTemplate) return raw;
    if (steps === 0) throw new Error('for ever');
    return raw.replaceAll(/\$\$\{|\$\{([A-D])\}/g, (_, other) =>
      other ? naive(other, all, steps - 1) : '${',
    );
  };
  fc.assert(
    fc.property(fc.tuple(text, text, text, text), (four) => {
      const all = new Map(names.map((name, n) => [name, four[n]!]));
      let expected: string | undefined;
      try {
        expected = naive('A', all);
      } catch {
        expected = undefined;
      }
      let got: string | undefined;
      try {
        got = expand(['A'], all).get('A');
      } catch (error) {
        expect(error).toBeInstanceOf(BrokenTemplate);
      }
      expect(got).toBe(expected);
    }),
    { numRuns: 500 },
  );
});
