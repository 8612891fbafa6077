import { expect, it } from 'vitest';
import { fits } from './wildcard.js';

it.each([
  ['a100', 'a100', true],
  ['a100', 'a100-80g', false],
  ['a100*', 'a100-80g', true],
  ['*80g', 'a100-80g', true],
  ['*', '', true],
  ['?', '', false],
  ['a?00', 'a100', true],
  ['*a*b', 'xaxbxb', true],
  ['*a*b', 'xaxbx', false],
  ['RTX *', 'RTX 4090', true],
  ['.*', 'abc', false],
  [`${'*a'.repeat(40)}b`, 'a'.repeat(80), false],
])('%j and %j: %s', (pattern, text, expected) => {
  expect(fits(pattern, text)).toBe(expected);
});
