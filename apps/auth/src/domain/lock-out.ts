/** How long wrong passwords keep an account, or an address, from trying again. */
export interface LockOutRule {
  /** Failures that cost nothing: people mistype. */
  readonly freeFailures: number;
  /** The wait after each failure beyond these; the last one repeats. */
  readonly delaysSeconds: readonly number[];
  /** After this long without a failure, counting starts anew. */
  readonly forgetAfterSeconds: number;
}

export const ACCOUNT_RULE: LockOutRule = {
  freeFailures: 4,
  delaysSeconds: [10, 30, 60, 300, 900],
  forgetAfterSeconds: 86_400,
};
// Many people may share one address, so it is given more room; then it waits longer.
export const ADDRESS_RULE: LockOutRule = {
  freeFailures: 19,
  delaysSeconds: [10, 30, 60, 300, 900, 3_600],
  forgetAfterSeconds: 3_600,
};
// What counts here is asking, not failing: so many mails an hour to one person, and so many requests from one address.
export const RESET_ACCOUNT_RULE: LockOutRule = {
  freeFailures: 2,
  delaysSeconds: [3_600],
  forgetAfterSeconds: 3_600,
};
export const RESET_ADDRESS_RULE: LockOutRule = { ...RESET_ACCOUNT_RULE, freeFailures: 19 };

/** The wait after that many failures in a row. */
export function lockOutSeconds(rule: LockOutRule, failures: number): number {
  const beyondFree = failures - rule.freeFailures;
  if (beyondFree <= 0) return 0;
  return rule.delaysSeconds[Math.min(beyondFree, rule.delaysSeconds.length) - 1] ?? 0;
}

/** The failures so far with one more, less what was forgotten since the last one. */
export function failuresWithOneMore(
  rule: LockOutRule,
  so: { readonly failures: number; readonly lastFailureAt: Date },
  now: Date,
): number {
  // Replicas' clocks may differ a little.
  const quietSeconds = Math.max(0, now.getTime() - so.lastFailureAt.getTime()) / 1_000;
  if (quietSeconds > rule.forgetAfterSeconds) return 1;
  // Before that they are forgotten one by one, as many as are free: at a large office's address it is never quiet for long.
  const forgotten = Math.floor((quietSeconds * rule.freeFailures) / rule.forgetAfterSeconds);
  return Math.max(0, so.failures - forgotten) + 1;
}
