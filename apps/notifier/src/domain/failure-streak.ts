const DAY_MS = 86_400_000;
/** So long may an endpoint refuse everything. */
const LIMIT_DAYS = 5;
/** A refusal so long after the one before says nothing of the time between: attempts at one message are never so far apart. */
const QUIET_DAYS = 2;

/** Attempts that failed with none between them that did not. */
export interface FailureStreak {
  readonly since: Date;
  readonly last: Date;
}

/** The streak after one more failure. */
export const withFailure = (streak: FailureStreak | null, now: Date): FailureStreak =>
  streak && now.getTime() - streak.last.getTime() <= QUIET_DAYS * DAY_MS
    ? { since: streak.since, last: now }
    : { since: now, last: now };

/** Whether nothing more is to be sent there until somebody says so. */
export const isHopeless = ({ since, last }: FailureStreak): boolean =>
  last.getTime() - since.getTime() >= LIMIT_DAYS * DAY_MS;
