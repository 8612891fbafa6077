import { expect, it } from 'vitest';
import { kvPath, kvVersionFrom, textOf, type MountAnswer } from './kv-version.js';

it.each<[MountAnswer, ReturnType<typeof kvVersionFrom>]>([
  [{ kind: 'mount', type: 'kv', version: '2' }, 2],
  [{ kind: 'mount', type: 'kv', version: '1' }, 1],
  [{ kind: 'mount', type: 'kv', version: undefined }, 1],
  [{ kind: 'mount', type: 'generic', version: undefined }, 1],
  [{ kind: 'mount', type: 'transit', version: undefined }, 'not kv'],
  [{ kind: 'denied' }, 'try'],
  [{ kind: 'unknown' }, 'try'],
])('reads from %j: %s', (answer, version) => expect(kvVersionFrom(answer)).toBe(version));

it.each([
  [1, 'secret/lineclear'],
  [2, 'secret/data/lineclear'],
] as const)('reads version %i at %s', (version, path) =>
  expect(kvPath(version, 'secret', 'lineclear')).toBe(path),
);

it.each([
  ['hf_x', 'hf_x'],
  ['', ''],
  ['12', '12'],
  [12, '12'],
  [0.1, '0.1'],
  [true, 'true'],
  [null, 'null'],
  [{ user: 'a', port: 5 }, '{"user":"a","port":5}'],
  [['a', 1], '["a",1]'],
  [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  [Number.MAX_SAFE_INTEGER + 1, undefined],
  [{ deep: [1e300] }, undefined],
])('gives %j as %j', (value, text) => expect(textOf(value)).toBe(text));
