import { describe, expect, it } from 'vitest';
import { BadImport, formatOfFile, importEntries } from './import-entries.js';

describe('a file of names and values', () => {
  it.each([
    ['.env', 'dotenv'],
    ['secrets.JSON', 'json'],
    ['-', 'dotenv'],
  ] as const)('%s is %s', (file, format) => {
    expect(formatOfFile(file)).toBe(format);
  });

  it('is read as what it is', () => {
    const entries = [{ name: 'A', value: 'x' }];
    expect(importEntries('A=x', 'dotenv')).toMatchObject(entries);
    expect(importEntries('\uFEFF{"A": "x"}', 'json')).toEqual(entries);
    expect(importEntries('{}', 'json')).toEqual([]);
  });

  it.each([
    ['no JSON', '{"A": secret-text', 'is not JSON'],
    ['a list', '["secret-text"]', 'is not a JSON object of names and texts'],
    ['null', 'null', 'is not a JSON object of names and texts'],
    ['a number', '{"A": 12345}', 'A is not a text'],
    ['more below', '{"A": {"B": "secret-text"}}', 'A is not a text'],
  ])('is refused without its values: %s', (_, text, said) => {
    expect(() => importEntries(text, 'json')).toThrow(new BadImport(said));
  });
});
