import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aRun, at } from './run.fixture.js';
import { pollDelayMs, retryDelayMs } from './schedule.js';

const ADAPTIVE = { baseMs: 5_000, maxMs: 60_000 };
const running = (seconds: number) =>
  aRun({ remoteState: 'running', startedAt: at(0), runningSince: at(0), lastObservedAt: at(seconds) });

it.each([
  ['a new run', aRun({ startedAt: at(0) }), 10, 5_000],
  ['one that has waited for long', aRun({ startedAt: at(0), remoteState: 'submitted' }), 121, 10_000],
  ['one that runs', running(100), 100, 5_000],
  ['one that has run for a while', running(1_000), 1_000, 20_000],
  ['one that has run for hours', running(36_000), 36_000, 60_000],
  ['one that must be stopped soon', aRun({ ...running(1_000), maxRuntimeSeconds: 1_003 }), 1_000, 3_000],
] as const)('%s', (_, run, seconds, expected) => {
  expect(pollDelayMs(run, at(seconds), ADAPTIVE, 0.5)).toBe(expected);
});

it('keeps to a fixed interval', () => {
  for (const random of [0, 0.5, 1])
    expect(pollDelayMs(running(36_000), at(36_000), { baseMs: 1_000, maxMs: 1_000 }, random)).toBe(1_000);
});

it('stays within its bounds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e7 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seconds, random) => {
        const delay = pollDelayMs(running(seconds), at(seconds), ADAPTIVE, random);
        expect(delay).toBeGreaterThanOrEqual(4_000);
        expect(delay).toBeLessThanOrEqual(72_000);
      },
    ),
  );
});

it.each([
  [1, 0, undefined, 250],
  [1, 1, undefined, 500],
  [4, 1, undefined, 4_000],
  [500, 1, undefined, 60_000],
  [1, 1, 7_000, 7_000],
  [9, 1, 7_000, 60_000],
  [1, 1, 9e9, 900_000],
])('after %i failures (random %f, asked for %s): %i ms', (failures, random, asked, expected) => {
  expect(retryDelayMs(failures, random, asked)).toBe(expected);
});
