import { poolHolds, type Machine, type PoolLimit } from './pools.js';

/** A job that runs on limited machines, and when it is expected to end. */
export interface Runs extends Machine {
  readonly endsAtMs: number;
}

/** What a lane is held by, before the job that its machines are kept for. */
export const KEPT_FOR = 'kept:';

/** What is kept for a job that waited too long for more machines than are free at once. */
export interface Reservation {
  readonly jobId: string;
  /** Of which limit. */
  readonly holder: string;
  /** From when on, as far as is known. */
  readonly fromMs: number;
  /** How much is free beside it from then on. */
  readonly spare: number;
}

const takesOf = (limits: readonly PoolLimit[], machine: Machine, holder: string): number =>
  poolHolds(limits, machine).find((hold) => hold.holder === holder)?.takes ?? 0;

/**
 * What is kept for this job, of the limit that it waits for longest: when enough of those that run there have ended. Undefined
 * where nothing bounds it, or it could never go.
 */
export function reservationFor(
  job: Machine & { readonly id: string },
  limits: readonly PoolLimit[],
  running: readonly Runs[],
  nowMs: number,
): Reservation | undefined {
  const kept = poolHolds(limits, job).flatMap(({ holder, takes, atMost }): Reservation[] => {
    if (atMost === Infinity || takes > atMost) return [];
    const there = running
      .map((one) => ({ takes: takesOf(limits, one, holder), endsAtMs: Math.max(nowMs, one.endsAtMs) }))
      .filter((one) => one.takes > 0)
      .toSorted((a, b) => a.endsAtMs - b.endsAtMs);
    let free = atMost - there.reduce((sum, one) => sum + one.takes, 0);
    let fromMs = nowMs;
    for (const one of there) {
      if (free >= takes) break;
      free += one.takes;
      fromMs = one.endsAtMs;
    }
    return [{ jobId: job.id, holder, fromMs, spare: free - takes }];
  });
  return kept.toSorted((a, b) => b.fromMs - a.fromMs)[0];
}

/** Keeps the place of one job from those that would take it (EASY backfill): who is over in time, or takes what is spare, may go. */
export class Backfill {
  #spare: number;

  constructor(
    private readonly kept: Reservation,
    private readonly limits: readonly PoolLimit[],
    private readonly nowMs: number,
  ) {
    this.#spare = kept.spare;
  }

  get keptFor(): string {
    return this.kept.jobId;
  }

  /** Whether a job may go before the one whose place is kept. Asked once for each that would. */
  lets(job: Machine & { readonly id: string; readonly seconds: number }): boolean {
    const takes = takesOf(this.limits, job, this.kept.holder);
    if (takes === 0 || job.id === this.kept.jobId) return true;
    if (this.nowMs + job.seconds * 1_000 <= this.kept.fromMs) return true;
    if (takes > this.#spare) return false;
    this.#spare -= takes;
    return true;
  }
}
