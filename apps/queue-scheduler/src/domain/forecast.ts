import { DAY_MS, startOf } from './period.js';

/** What is known of somebody's, or a provider's, money in a period that is not over. */
export interface Money {
  /** What runs of this period cost that ended. */
  readonly spent: number;
  /** What was set aside in this period for what still runs. */
  readonly reserved: number;
  /** What jobs are expected to cost that have no slot yet. */
  readonly waiting: number;
  /** What a day costs at the present rate. */
  readonly perDay: number;
}

/** The same as the books have it. */
export interface Books {
  /** Booked in the period: what ended and what runs. */
  readonly period: number;
  /** Of this, set aside for what runs. */
  readonly reserved: number;
  readonly waiting: number;
  /** Booked since `rateSince`. */
  readonly recent: number;
}

// Sums of hundredths of a cent, in floating point: below 0 is nothing.
const atLeast0 = (usd: number): number => Math.max(0, usd);

/** The run rate is that of today and the six days before. */
export const rateSince = (now: Date): Date => new Date(startOf('day', now).getTime() - 6 * DAY_MS);

/** What a day costs, when so much was booked since `rateSince`. */
const perDay = (usd: number, now: Date): number =>
  atLeast0(usd) / ((now.getTime() - rateSince(now).getTime()) / DAY_MS);

export const moneyOf = ({ period, reserved, waiting, recent }: Books, now: Date): Money => ({
  spent: atLeast0(period - reserved),
  reserved: atLeast0(reserved),
  waiting: atLeast0(waiting),
  perDay: perDay(recent, now),
});

const committed = ({ spent, reserved, waiting }: Money): number => spent + reserved + waiting;

/** What it will have come to when the period is over: all that is spent, set aside and waiting, and the rate for the rest. */
export const projected = (money: Money, now: Date, until: Date): number =>
  committed(money) + (money.perDay * atLeast0(until.getTime() - now.getTime())) / DAY_MS;

/** When so much is reached at this rate: now, where it is already; null when not before the period is over. */
export function reachedAt(amount: number, money: Money, now: Date, until: Date): Date | null {
  const left = amount - committed(money);
  if (left <= 0) return now;
  if (projected(money, now, until) < amount) return null;
  return new Date(now.getTime() + (left / money.perDay) * DAY_MS);
}
