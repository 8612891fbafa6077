const DAY_MS = 86_400_000;
/** A value older than this should be changed (seed: stale credentials, more than 90 days). */
export const STALE_AFTER_DAYS = 90;
/** How long before a value is stale, or ends, people hear of it. */
const WARN_DAYS = 14;

/** How a value stands: fine, soon to be changed, or too old or ended. */
export const FRESHNESS = ['fresh', 'aging', 'stale', 'expiring', 'expired'] as const;
export type Freshness = (typeof FRESHNESS)[number];

/** A value's standing; that it ends goes before that it is old. */
export function freshnessOf(setAt: Date, expiresAt: Date | null, now: Date): Freshness {
  if (expiresAt !== null) {
    const leftMs = expiresAt.getTime() - now.getTime();
    if (leftMs <= 0) return 'expired';
    if (leftMs <= WARN_DAYS * DAY_MS) return 'expiring';
  }
  const ageDays = (now.getTime() - setAt.getTime()) / DAY_MS;
  if (ageDays > STALE_AFTER_DAYS) return 'stale';
  return ageDays > STALE_AFTER_DAYS - WARN_DAYS ? 'aging' : 'fresh';
}

export const warnBefore = (now: Date): Date => new Date(now.getTime() + WARN_DAYS * DAY_MS);
export const staleBefore = (now: Date): Date => new Date(now.getTime() - STALE_AFTER_DAYS * DAY_MS);
