import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SystemTimer } from './timer.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const DAY_MS = 86_400_000;

function ringsAfter(ms: number): { rung: number; cancel: () => void } {
  const state = { rung: 0, cancel: (): void => undefined };
  state.cancel = new SystemTimer().after(ms, async () => void (state.rung += 1));
  return state;
}

it.each([
  ['after a moment', 1],
  ['after an hour', DAY_MS / 24],
  // Node itself would ring after a millisecond for anything beyond 24.8 days.
  ['after 32 days, the longest that Vault gives without being told', 32 * DAY_MS],
])('rings once, %s', (_what, ms) => {
  const state = ringsAfter(ms);
  vi.advanceTimersByTime(Math.max(0, ms - 1));
  expect(state.rung).toBe(0);
  vi.advanceTimersByTime(1);
  expect(state.rung).toBe(1);
  vi.advanceTimersByTime(64 * DAY_MS);
  expect(state.rung).toBe(1);
});

it.each([1_000, 32 * DAY_MS])('does not ring when it was called off (%i ms)', (ms) => {
  const state = ringsAfter(ms);
  vi.advanceTimersByTime(ms - 1);
  state.cancel();
  vi.advanceTimersByTime(64 * DAY_MS);
  expect(state.rung).toBe(0);
});
