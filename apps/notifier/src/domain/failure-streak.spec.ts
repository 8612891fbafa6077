import { describe, expect, it } from 'vitest';
import { isHopeless, withFailure, type FailureStreak } from './failure-streak.js';

const start = Date.parse('2026-01-01T00:00:00.000Z');
const at = (days: number): Date => new Date(start + days * 86_400_000);
const after = (days: readonly number[]): FailureStreak =>
  days.reduce<FailureStreak | null>((streak, day) => withFailure(streak, at(day)), null)!;

describe('an endpoint that failed on days', () => {
  it.each<[number[], number, boolean]>([
    [[0], 0, false],
    [[0, 1, 2, 3, 4], 0, false],
    [[0, 1, 2, 3, 4, 4.999], 0, false],
    [[0, 1, 2, 3, 4, 5], 0, true],
    [[0, 2, 4, 6], 0, true],
    // What was not tried did not fail.
    [[0, 5], 5, false],
    [[0, 1, 2, 9], 9, false],
    [[0, 1, 2, 4.001, 5, 6, 7, 8, 9], 4.001, false],
    [[0, 1, 2, 4.001, 5, 6, 7, 8, 9, 9.001], 4.001, true],
  ])('%j has done so since day %d: hopeless %s', (days, since, hopeless) => {
    const streak = after(days);
    expect(streak.since).toEqual(at(since));
    expect(isHopeless(streak)).toBe(hopeless);
  });
});
