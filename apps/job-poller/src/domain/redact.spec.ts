import { expect, it } from 'vitest';
import { redactor } from './redact.js';

it.each([
  [['token-1'], 'a token-1, twice: token-1', 'a [secret], twice: [secret]'],
  [['token', 'token-1'], 'token-1', '[secret]'],
  [['abc'], 'abc', 'abc'],
  [['one of many\r\nanother line\nend'], 'another line', '[secret]'],
  [['a"quote\\d'], JSON.stringify({ value: 'a"quote\\d' }), '{"value":"[secret]"}'],
  [['first\nsecond'], String.raw`{"value":"first\nsecond"}`, '{"value":"[secret]"}'],
])('takes %j out of %j', (values, text, expected) => {
  expect(redactor(values)(text)).toBe(expected);
});
