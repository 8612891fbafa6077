/** What is counted anew each hour, day, week (from Monday) or month, all of UTC. */
export type Period = 'hour' | 'day' | 'week' | 'month';

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS);

export function startOf(period: Period, at: Date): Date {
  switch (period) {
    case 'hour':
      return hourOf(at);
    case 'day':
      return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()));
    case 'week':
      // Sunday is day 0, and the seventh of its week.
      return new Date(startOf('day', at).getTime() - ((at.getUTCDay() + 6) % 7) * DAY_MS);
    case 'month':
      return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
  }
}

/** When the period that `at` is in is over. */
export function endOf(period: Period, at: Date): Date {
  switch (period) {
    case 'hour':
      return new Date(hourOf(at).getTime() + HOUR_MS);
    case 'day':
      return new Date(startOf('day', at).getTime() + DAY_MS);
    case 'week':
      return new Date(startOf('week', at).getTime() + 7 * DAY_MS);
    case 'month':
      return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
  }
}
