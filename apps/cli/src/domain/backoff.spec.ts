import { expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

it.each([
  [1, 0, 250],
  [1, 1, 500],
  [3, 1, 2_000],
  [7, 0, 15_000],
  [5_000, 1, 30_000],
])('after %i failures, with the die at %d, waits %i ms', (failures, random, expected) => {
  expect(backoffMs(failures, random)).toBe(expected);
});
