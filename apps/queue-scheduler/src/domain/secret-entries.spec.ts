import { describe, expect, it } from 'vitest';
import type { SecretEntry } from '@lineclear/contracts';
import { distinctEntries, faultOfEntries } from './secret-entries.js';

const provider = { name: 'acme', givesFiles: true };

describe('the secrets of a submit', () => {
  it.each<[string, SecretEntry[], SecretEntry[]]>([
    ['a name twice', ['A', 'A'], ['A']],
    ['a name in both ways of writing it', ['A', { name: 'A' }], ['A']],
    ['one value in two places', ['A', { name: 'A', file: 'a' }], ['A', { name: 'A', file: 'a' }]],
    [
      'the same twice',
      [
        { name: 'A', env: 'B' },
        { name: 'A', env: 'B' },
      ],
      [{ name: 'A', env: 'B' }],
    ],
  ])('of %s are each once', (_, given, expected) => {
    expect(distinctEntries(given)).toEqual(expected);
  });

  it.each<[string, SecretEntry[], string | undefined]>([
    ['names', ['A', 'B'], undefined],
    ['one value in a variable and a file', ['A', { name: 'A', file: 'a' }], undefined],
    ['two values in one variable', ['A', { name: 'B', env: 'A' }], 'puts two values into the variable A'],
    [
      'the path of a file in the variable of another value',
      ['A', { name: 'B', file: 'b', env: 'A' }],
      'puts two values into the variable A',
    ],
    [
      'two values in one file',
      [
        { name: 'A', file: '~/.netrc' },
        { name: 'B', file: '~/.netrc' },
      ],
      'puts two values into the file ~/.netrc',
    ],
    [
      'files of one name in folders of their own',
      [
        { name: 'A', file: 'key' },
        { name: 'B', file: 'key' },
      ],
      undefined,
    ],
  ])('can be %s, or not', (_, entries, fault) => {
    expect(faultOfEntries(entries, provider)).toBe(fault);
  });

  it('are no files where the provider gives none', () => {
    const without = { name: 'acme', givesFiles: false };
    expect(faultOfEntries([{ name: 'A', file: 'a' }], without)).toBe(
      'acme gives its runs no files: A can only be a variable there',
    );
    expect(faultOfEntries([{ name: 'A', env: 'B' }], without)).toBeUndefined();
  });
});
