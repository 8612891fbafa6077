import type { Queryable, Tx } from '@lineclear/kit';
import { failuresWithOneMore, lockOutSeconds, type LockOutRule } from '../domain/lock-out.js';
import { after } from '../domain/session-lifetime.js';

/** What failures are counted against, with its rule. */
export interface Counter {
  readonly key: string;
  readonly rule: LockOutRule;
}

/** Seconds until all of the counters let a login through; 0 is now. */
export async function lockedSeconds(on: Queryable, counters: readonly Counter[], now: Date): Promise<number> {
  const rows = await on.query<{ blocked_until: Date }>(
    'select blocked_until from login_failures where key = any($1) and blocked_until > $2',
    [counters.map(({ key }) => key), now],
  );
  return Math.max(0, ...rows.map((row) => (row.blocked_until.getTime() - now.getTime()) / 1_000));
}

/**
 * Counts a failure on each counter and returns the count of the first. Many guesses sent at once are counted one after
 * another: those that find the lock already shut count no more (undefined), as a refused guess was no guess.
 */
export async function count(tx: Tx, counters: readonly Counter[], now: Date): Promise<number | undefined> {
  // In one order everywhere, so that two logins never wait for each other.
  const keys = counters.map(({ key }) => key).toSorted();
  const rows = await tx.query<{
    key: string;
    failures: number;
    last_failure_at: Date;
    blocked_until: Date | null;
  }>(
    // Made and locked in one statement: between two, a right password could forget the row.
    `insert into login_failures (key, failures, last_failure_at) select k, 0, $2 from unnest($1::text[]) as k order by k
     on conflict (key) do update set failures = login_failures.failures
     returning key, failures, last_failure_at, blocked_until`,
    [keys, now],
  );
  if (rows.some((row) => row.blocked_until !== null && row.blocked_until > now)) return undefined;
  const counted = counters.map(({ key, rule }) => {
    const row = rows.find((candidate) => candidate.key === key)!;
    const failures = failuresWithOneMore(
      rule,
      { failures: row.failures, lastFailureAt: row.last_failure_at },
      now,
    );
    const delaySeconds = lockOutSeconds(rule, failures);
    return { key, failures, blockedUntil: delaySeconds === 0 ? null : after(now, delaySeconds) };
  });
  await tx.query(
    `update login_failures f set failures = c.failures, last_failure_at = $4, blocked_until = c.blocked_until
     from unnest($1::text[], $2::int[], $3::timestamptz[]) as c(key, failures, blocked_until) where f.key = c.key`,
    [counted.map((c) => c.key), counted.map((c) => c.failures), counted.map((c) => c.blockedUntil), now],
  );
  return counted[0]?.failures;
}

export async function forget(tx: Tx, key: string): Promise<void> {
  await tx.query('delete from login_failures where key = $1', [key]);
}

export async function purgeForgotten(on: Queryable, before: Date): Promise<void> {
  await on.query(
    // As with sessions: many rows in no order, so it waits for none.
    'delete from login_failures where key in (select key from login_failures where last_failure_at < $1 for update skip locked)',
    [before],
  );
}
