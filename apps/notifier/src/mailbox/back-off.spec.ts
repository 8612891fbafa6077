import { expect, it } from 'vitest';
import { backOffMs } from './back-off.js';

it.each([
  [1, 0.5, 1_000],
  [2, 0.5, 2_000],
  [4, 0.5, 8_000],
  [7, 0.5, 60_000],
  [5_000, 0.5, 60_000],
  [1, 0, 800],
  [1, 1, 1_200],
  [9, 1, 72_000],
])('after %i failures, with %d, waits %i ms', (failures, random, ms) => {
  expect(backOffMs(failures, random)).toBe(ms);
});
