import { expect, it } from 'vitest';
import { hasLost } from './stream-loss.js';

const before = { created: '2026-01-01T00:00:00.000000001Z', last_seq: 10 };

it.each([
  ['as it was', before, false],
  ['longer', { ...before, last_seq: 11 }, false],
  ['shorter, so set back', { ...before, last_seq: 9 }, true],
  ['another one', { created: '2026-01-02T00:00:00Z', last_seq: 10 }, true],
  ['another one, longer already', { created: '2026-01-02T00:00:00Z', last_seq: 99 }, true],
])('a stream that is %s', (_, now, expected) => {
  expect(hasLost(before, now)).toBe(expected);
});
