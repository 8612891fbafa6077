/** What is to be done with a lease or token next, and in how long. */
export interface LeaseStep {
  readonly act: 'renew' | 'replace' | 'let go';
  readonly inMs: number;
}

/** What a lease was granted for, counted from the moment of the grant. */
export interface Grant {
  readonly ttlMs: number;
  readonly renewable: boolean;
}

/** A number in [0, 1), handed in: what is pure does not throw dice. */
type Dice = number;

const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;
/** However little of a lease is left, two tries are never closer than this. */
const MIN_PAUSE_MS = 1_000;

/** The last 10 to 20 % of a lease: so much is kept back for getting a replacement, differently long for each holder so that they do not all come at once. */
export const graceMsOf = (ttlMs: number, dice: Dice): number => Math.floor(ttlMs * (0.1 + 0.1 * dice));

/**
 * After a grant or renewal: renew at 70 to 73 % of what was granted. Where it cannot be renewed, or the server no longer
 * gives enough to reach the next renewal outside of the grace, it is at its end: then it is replaced while it still lives.
 */
export function stepAfterGrant({ ttlMs, renewable }: Grant, graceMs: number): LeaseStep {
  const waitMs = Math.floor((2 * ttlMs + graceMs) / 3);
  if (renewable && ttlMs - waitMs > graceMs) return { act: 'renew', inMs: atLeastPause(waitMs) };
  return { act: 'replace', inMs: atLeastPause(Math.min(waitMs, ttlMs - graceMs)) };
}

/**
 * After `failures` failed tries in a row: back off from 10 s, doubling, to 5 minutes, but come back while something is
 * left. Within the grace it is a replacement that is tried for; past its end the lease is let go.
 */
export function stepAfterFailure(
  lease: { readonly remainingMs: number; readonly graceMs: number; readonly renewable: boolean },
  failures: number,
  dice: Dice,
): LeaseStep {
  const { remainingMs, graceMs, renewable } = lease;
  if (remainingMs <= 0) return { act: 'let go', inMs: 0 };
  const backoffMs = backoffMsOf(failures, dice, FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
  const outsideGraceMs = remainingMs - graceMs;
  if (renewable && outsideGraceMs > backoffMs) return { act: 'renew', inMs: backoffMs };
  if (outsideGraceMs > 0) return { act: 'replace', inMs: atLeastPause(Math.min(backoffMs, outsideGraceMs)) };
  return { act: 'replace', inMs: atLeastPause(Math.min(backoffMs, remainingMs / 3)) };
}

/** What is left of a grant where the token that it was made with ends before it. */
export const shortened = (ttlMs: number, now: Date, tokenEndsAt: Date | null): number =>
  tokenEndsAt === null ? ttlMs : Math.max(0, Math.min(ttlMs, tokenEndsAt.getTime() - now.getTime()));

/** How long to wait after `failures` failures in a row (1 or more): doubled each time, capped, and half of it left to the dice. */
export function backoffMsOf(failures: number, dice: Dice, firstMs: number, maxMs: number): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.floor(fullMs * (0.5 + 0.5 * dice));
}

const atLeastPause = (ms: number): number => Math.max(MIN_PAUSE_MS, Math.floor(ms));
