import { z } from 'zod';

const DAY_MS = 86_400_000;
/** Quotas count by the month at most: what one still counts is never removed. */
const LEAST_DAYS = 32;

/** For how many days jobs are kept after their end, with their runs and logs; 0 for ever. */
export const jobRetentionDays = z.coerce
  .number()
  .int()
  .max(36_500)
  .refine((days) => days === 0 || days >= LEAST_DAYS, `must be 0, for ever, or at least ${LEAST_DAYS}`)
  .default(90);

/** Jobs that ended before this may go; undefined when none may. */
export const jobsKeptSince = (days: number, now: Date): Date | undefined =>
  days === 0 ? undefined : new Date(now.getTime() - days * DAY_MS);
