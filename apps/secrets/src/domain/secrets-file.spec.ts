import fc from 'fast-check';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { entriesOf, keyOf, Malformed, withEntry, withoutEntry } from './secrets-file.js';

const BOTH = 'json or yaml';
const read = (text: string, kind: 'json' | typeof BOTH = BOTH): Record<string, string> =>
  Object.fromEntries(entriesOf(text, kind));

it.each<[string, Record<string, string>]>([
  [
    '{"HF_TOKEN": "hf_1", "N": 12345678901234567890, "F": 1.0, "B": true}',
    { HF_TOKEN: 'hf_1', N: '12345678901234567890', F: '1.0', B: 'true' },
  ],
  ['{\n\t"A": "tabs"\n}', { A: 'tabs' }],
  [
    'HF_TOKEN: hf_1\nPIN: 007\nYES: yes\nHEX: 0x1F\n',
    { HF_TOKEN: 'hf_1', PIN: '007', YES: 'yes', HEX: '0x1F' },
  ],
  ['KEY: |\n  two\n  lines\n', { KEY: 'two\nlines\n' }],
  ['# nothing yet\n', {}],
  ['{}', {}],
  // As everywhere in the configuration, empty means not set.
  ['{"EMPTY": ""}', {}],
  [
    '{"__proto__": "x", "constructor": "y"}',
    Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]),
  ],
])('reads %j', (text, entries) => expect(read(text)).toEqual(entries));

it.each<[string, string]>([
  ['', 'is empty'],
  [' \n', 'is empty'],
  ['{"A": "hunter2" "B": 1}', 'malformed at line 1'],
  ['A: x\nB: "hunter2\n', 'malformed at line'],
  ['A: hunter2\nA: x\n', 'malformed at line 2'],
  ['A: 1\n---\nhunter2: 1\n', 'malformed at line 2'],
  ['- hunter2', 'not an object'],
  ['"hunter2"', 'not an object'],
  ['A: [hunter2]', 'A (line 1)'],
  ['B: x\nA: {hunter2: 1}', 'A (line 2)'],
  ['A:\n', 'A (line 1)'],
  ['{"A": null}', 'A (line 1)'],
  ['X: &a hunter2\nA: *a\n', 'A (line 2)'],
  ['A: !!binary aHVudGVyMg==', 'A (line 1)'],
  ['{"A": "hunter2\\u0000"}', 'A (line 1)'],
  ['{"A": "hunter2\\ud800"}', 'A (line 1)'],
  // Name and value the wrong way round.
  ['"hunter2 is it": null', 'boolean: line 1'],
])('refuses %j, says where, and repeats none of it', (text, why) => {
  expect(() => read(text)).toThrow(Malformed);
  expect(() => read(text)).toThrow(why);
  expect(() => read(text)).not.toThrow('hunter2');
});

it.each(['A: x', '{"A": 1,}', '{"A": "x"} # why', "{'A': 'x'}"])('takes %j for YAML only', (text) => {
  expect(() => read(text, 'json')).toThrow('is not JSON');
  expect(Object.keys(read(text))).toEqual(['A']);
});

it.each<[string, string[], string | undefined]>([
  ['HF_TOKEN', ['HF_TOKEN'], 'HF_TOKEN'],
  ['hf-token', ['HF_TOKEN'], 'HF_TOKEN'],
  ['hf-token', ['HF_TOKEN', 'hf-token'], 'hf-token'],
  ['hf.token', ['HF_TOKEN'], 'HF_TOKEN'],
  ['HF_TOKEN', ['hf-token'], undefined],
])('finds %s among %j as %s', (name, keys, key) =>
  expect(keyOf(name, (wanted) => keys.includes(wanted))).toBe(key),
);

describe('writing', () => {
  it('keeps the comments, the order and the way numbers are written', () => {
    const text = '# top\nB: 12345678901234567890 # keep\n\nA: 007\nC: "x" # of c\n# end\n';
    expect(withEntry(text, BOTH, 'C', 'new')).toBe(
      '# top\nB: 12345678901234567890 # keep\n\nA: "007"\nC: "new" # of c\n\n# end\n',
    );
    expect(withoutEntry(text, BOTH, 'A')).toBe(
      '# top\nB: 12345678901234567890 # keep\nC: "x" # of c\n\n# end\n',
    );
  });

  it('keeps what stands at the head of the file when its first entry, or its last, goes', () => {
    const text = '# mine\n\n# of all\nA: 1\n# of B\nB: 2\n';
    const without = withoutEntry(text, BOTH, 'A') ?? '';
    expect(without).toBe('# mine\n\n# of all\n# of B\nB: 2\n');
    expect(withoutEntry(without, BOTH, 'B')).toMatch(/^# mine\n\n# of all\n/);
    expect(read(withoutEntry(without, BOTH, 'B') ?? '')).toEqual({});
    expect(withEntry('# mine\n', BOTH, 'A', 'x')).toBe('# mine\n\nA: "x"\n');
  });

  it('keeps JSON what it is, and its numbers to the last digit', () => {
    const text = '{"Z":"1","A":12345678901234567890,"T":true}';
    expect(withEntry(text, 'json', 'NEW', 'say "it"')).toBe(
      '{\n  "Z": "1",\n  "A": 12345678901234567890,\n  "T": true,\n  "NEW": "say \\"it\\""\n}\n',
    );
    expect(withoutEntry('{"A":"x"}', 'json', 'A')).toBe('{}\n');
  });

  it('sets and removes under the key a name is found by', () => {
    expect(read(withEntry('HF_TOKEN: old\n', BOTH, 'hf-token', 'new'))).toEqual({ HF_TOKEN: 'new' });
    expect(read(withEntry('OTHER: old\n', BOTH, 'hf-token', 'new'))).toEqual({
      OTHER: 'old',
      'hf-token': 'new',
    });
    expect(read(withoutEntry('HF_TOKEN: old\nX: 1\n', BOTH, 'hf-token') ?? '')).toEqual({ X: '1' });
    expect(withoutEntry('HF_TOKEN: old\n', BOTH, 'NOPE')).toBeUndefined();
  });

  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/);
  const value = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 200 })
    .filter((text) => text.isWellFormed() && !text.includes('\u0000'));
  const others = fc.dictionary(name, value, { maxKeys: 8 });
  const forms = [(all: object) => JSON.stringify(all), (all: object) => `# mine\n${yamlOf(all)}`];
  const yamlOf = (all: object): string =>
    Object.entries(all)
      .map(([key, text]) => `${JSON.stringify(key)}: ${JSON.stringify(text)} # of it\n`)
      .join('');

  it('changes the one entry and nothing else, whatever the names and values are', () => {
    fc.assert(
      fc.property(others, name, value, fc.constantFrom(...forms), (all, key, text, form) => {
        const before = form(all);
        const target = keyOf(key, (wanted) => Object.hasOwn(all, wanted)) ?? key;
        const after = withEntry(before, BOTH, key, text);
        expect(entriesOf(after, BOTH)).toEqual(new Map([...Object.entries(all), [target, text]]));
        const gone = withoutEntry(after, BOTH, key) ?? '';
        expect(entriesOf(gone, BOTH)).toEqual(
          new Map(Object.entries(all).filter(([other]) => other !== target)),
        );
        // Another reader sees the same.
        expect(new Map(Object.entries(parse(after) as object)).get(target)).toBe(text);
      }),
    );
  });
});
