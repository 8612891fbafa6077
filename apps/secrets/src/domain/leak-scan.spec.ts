import { describe, expect, it } from 'vitest';
import { needleOf, tell } from './leak-scan.js';

describe('what is looked for', () => {
  it.each([
    ['nothing of a short value', 'hunter2', undefined],
    ['all of a value of eight characters', 'hunter2!', 'hunter2!'],
    ['all of a value of 256 bytes', 'a'.repeat(256), 'a'.repeat(256)],
    ['the middle of a longer one', `${'a'.repeat(100)}${'b'.repeat(256)}${'c'.repeat(101)}`, 'b'.repeat(256)],
  ])('is %s', (_, value, expected) => {
    expect(needleOf(value)?.toString()).toBe(expected);
  });
});

it.each([
  ['a secret of their own', [{ scope: 'user:7', name: 'A' }], [{ name: 'A', scope: 'own' }]],
  ["everybody's", [{ scope: 'global', name: 'A' }], [{ name: 'A', scope: 'global' }]],
  ["that there is somebody else's", [{ scope: 'user:8', name: 'A' }], [{ scope: 'other' }]],
  ["that there is a channel's", [{ scope: 'global', name: 'channel.3.url' }], [{ scope: 'other' }]],
  [
    'of others once, and last',
    [
      { scope: 'user:8', name: 'A' },
      { scope: 'user:9', name: 'B' },
      { scope: 'global', name: 'C' },
    ],
    [{ name: 'C', scope: 'global' }, { scope: 'other' }],
  ],
] as const)('tells somebody of %s', (_, found, expected) => {
  expect(tell(found, 7)).toEqual(expected);
});
