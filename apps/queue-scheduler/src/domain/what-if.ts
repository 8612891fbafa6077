import type { Quota } from '@lineclear/contracts';
import type { PoolLimit } from './pools.js';
import type { Simulated, Start } from './simulate.js';
import type { Snapshot } from './snapshot.js';

/** What might be set otherwise. */
export interface Change {
  readonly maxConcurrent?: number | undefined;
  readonly userMaxConcurrent?: number | undefined;
  readonly pool?: PoolLimit | undefined;
  /** A ceiling on jobs at once; null for none. */
  readonly quota?: (Pick<Quota, 'scope' | 'subject'> & { readonly limit: number | null }) | undefined;
  /** Slots of an organisation's or a team's own, by holder; null for none. */
  readonly guarantee?: { readonly holder: string; readonly jobs: number | null } | undefined;
}

/** The same moment, had it been set so. */
export function changed(snapshot: Snapshot, change: Change): Snapshot {
  const { pool, quota, guarantee } = change;
  const nominal = new Map(snapshot.nominal);
  if (guarantee) {
    if (guarantee.jobs === null) nominal.delete(guarantee.holder);
    else nominal.set(guarantee.holder, guarantee.jobs);
  }
  return {
    ...snapshot,
    maxConcurrent: change.maxConcurrent ?? snapshot.maxConcurrent,
    userMaxConcurrent: change.userMaxConcurrent ?? snapshot.userMaxConcurrent,
    nominal,
    poolLimits: pool
      ? [...snapshot.poolLimits.filter(({ kind, name }) => kind !== pool.kind || name !== pool.name), pool]
      : snapshot.poolLimits,
    quotas: quota ? withQuota(snapshot.quotas, quota) : snapshot.quotas,
  };
}

function withQuota(
  quotas: readonly Quota[],
  { scope, subject, limit }: NonNullable<Change['quota']>,
): Quota[] {
  const others = quotas.filter((one) => one.scope !== scope || one.subject !== subject);
  return limit === null
    ? others
    : [...others, { scope, subject, quota_type: 'concurrent_jobs', limit, action: 'block' }];
}

export interface Effect {
  readonly startsEarlier: number;
  readonly startsLater: number;
  /** Of those whose start is known both ways: how long they wait from now on. */
  readonly meanWaitSeconds: { readonly now: number | null; readonly changed: number | null };
  /** Jobs whose start is known. */
  readonly started: { readonly now: number; readonly changed: number };
}

/** What another setting does to when these jobs start. */
export function effectOf(atMs: number, now: Simulated, other: Simulated): Effect {
  const both = [...now.starts].flatMap(([id, start]): [Start, Start][] => {
    const otherStart = other.starts.get(id);
    return otherStart ? [[start, otherStart]] : [];
  });
  const meanWait = (of: 0 | 1): number | null =>
    both.length === 0
      ? null
      : Math.round(both.reduce((sum, starts) => sum + (starts[of].atMs - atMs), 0) / both.length / 1_000);
  return {
    startsEarlier: both.filter(([start, otherStart]) => otherStart.atMs < start.atMs).length,
    startsLater: both.filter(([start, otherStart]) => otherStart.atMs > start.atMs).length,
    meanWaitSeconds: { now: meanWait(0), changed: meanWait(1) },
    started: { now: now.starts.size, changed: other.starts.size },
  };
}
