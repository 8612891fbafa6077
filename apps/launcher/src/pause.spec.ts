import { expect, it } from 'vitest';
import { nextPauseMs } from './pause.js';

it.each([
  [0, 100, 200],
  [1, 100, 400],
  [3, 100, 1_600],
  [50, 100, 30_000],
  [50, 60_000, 200],
])('after %i deaths in a row and a life of %i ms waits %i ms', (deaths, livedMs, pauseMs) => {
  expect(nextPauseMs(deaths, livedMs).ms).toBe(pauseMs);
});
