/** How long what a source said is believed; seconds. */
export interface CachePolicy {
  readonly ttlSeconds: number;
  /** For "not there". Shorter, so that a secret that was just made is soon seen. */
  readonly missTtlSeconds: number;
  /** After its time a value is still given for this long while a newer one is fetched, or cannot be. */
  readonly staleSeconds: number;
}

export type Freshness = 'fresh' | 'stale' | 'over';

/** What an answer of this age is worth. One that said "not there" is never given after its time. */
export function freshness(ageSeconds: number, isMiss: boolean, policy: CachePolicy): Freshness {
  if (ageSeconds < (isMiss ? missTtlSeconds(policy) : policy.ttlSeconds)) return 'fresh';
  return ageSeconds < keptSeconds(isMiss, policy) ? 'stale' : 'over';
}

/** For how long an answer is of any use. */
export const keptSeconds = (isMiss: boolean, policy: CachePolicy): number =>
  isMiss ? missTtlSeconds(policy) : policy.ttlSeconds + policy.staleSeconds;

const missTtlSeconds = ({ ttlSeconds, missTtlSeconds: misses }: CachePolicy): number =>
  Math.min(ttlSeconds, misses);
