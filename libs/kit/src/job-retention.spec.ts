import { expect, it } from 'vitest';
import { jobRetentionDays, jobsKeptSince } from './job-retention.js';

it.each([
  [undefined, 90],
  ['0', 0],
  ['32', 32],
  ['36500', 36_500],
  ['1', undefined],
  ['31', undefined],
  ['-1', undefined],
  ['32.5', undefined],
  ['36501', undefined],
])('reads %j days as %j', (given, days) => expect(jobRetentionDays.safeParse(given).data).toBe(days));

it.each([
  [0, '2026-11-28T00:00:00Z', undefined],
  [32, '2026-11-28T12:00:00Z', '2026-10-27T12:00:00.000Z'],
  [90, '2026-03-01T00:00:00Z', '2025-12-01T00:00:00.000Z'],
])('of %j days at %s keeps what ended since %j', (days, now, since) =>
  expect(jobsKeptSince(days, new Date(now))?.toISOString()).toBe(since),
);

it('never lets go what a quota of this month may count', () => {
  for (let day = 0; day < 1_500; day += 1) {
    const now = new Date(Date.UTC(2024, 0, 1, 23, 59) + day * 86_400_000);
    const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
    expect(jobsKeptSince(32, now)!.getTime()).toBeLessThan(month);
  }
});
