import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Promised {
  /** The document it stands in. */
  readonly seed: string;
  readonly promise: string;
  /** `file > name of a test` (or what its name begins, or is made, with). */
  readonly tests: readonly string[];
}

const root = new URL('../', import.meta.url);
const PROMISES = JSON.parse(
  readFileSync(new URL('tests/seed-promises.json', root), 'utf8'),
) as readonly Promised[];

const textOf = (file: string): string =>
  existsSync(new URL(file, root))
    ? readFileSync(new URL(file, root), 'utf8').replaceAll(/\\(['"])/g, '$1')
    : '';

/** How often the name begins the title of a test that is run: in `it('…')`, or behind the table of an `it.each`. */
const titlesLike = (text: string, name: string): number =>
  text.split(name).filter((before) => /(?:\bit|[\])])\(\s*['"`]$/.test(before)).length;

it('holds each promise once', () => {
  const told = PROMISES.map(({ seed, promise }) => `${seed}: ${promise}`);
  expect(new Set(told).size).toBe(told.length);
});

it.each(PROMISES)('$seed: $promise', ({ tests }) => {
  expect(tests.length).toBeGreaterThan(0);
  for (const test of tests) {
    const [, file, name] = /^(\S+) > (.+)$/.exec(test) ?? [];
    expect(titlesLike(textOf(file ?? ''), name ?? ''), test).toBeGreaterThan(0);
  }
});
