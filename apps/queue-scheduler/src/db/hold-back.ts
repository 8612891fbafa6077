import type { Tx } from '@lineclear/kit';
import { concerning, inTheWay, type Window } from '../domain/maintenance.js';
import { poolHolds, poolName, type Machine, type Pool, type PoolLimit } from '../domain/pools.js';
import type { LaneKey } from '../domain/queue-changes.js';
import { Backfill, KEPT_FOR, reservationFor } from '../domain/reservation.js';
import type { Held } from './lanes.repo.js';
import * as running from './running.repo.js';

/** A job that everything else lets go. */
export interface Next extends LaneKey {
  readonly id: string;
  /** How long it is expected to take. */
  readonly seconds: number;
}

/** Keeps jobs back that must not begin now; lanes of those who must wait are put into `held`. */
export interface HoldBack {
  readonly lets: (job: Next) => boolean;
  readonly held: Held[];
}

export interface Kept {
  readonly windows: readonly Window[];
  /** Whether machines are kept for a big job that waited since before this. */
  readonly reservesSince: Date | undefined;
  readonly limits: readonly PoolLimit[];
  readonly pools: readonly Pool[];
}

// What is kept for a big job is looked at again so often: runs end earlier or later than they were expected to.
const LOOK_AGAIN_MS = 15_000;

/** What of maintenance and of a reservation stands in the way of jobs; undefined for nothing. */
export async function holdBack(
  tx: Tx,
  { windows, reservesSince, limits, pools }: Kept,
  now: Date,
): Promise<HoldBack | undefined> {
  const nowMs = now.getTime();
  const backfill = reservesSince && (await backfillFor(tx, pools, limits, reservesSince, nowMs));
  if (windows.length === 0 && !backfill) return undefined;
  const machines = new Map<string, Machine>(pools.map((pool) => [poolName(pool), pool]));
  const held: Held[] = [];
  return {
    held,
    lets(job) {
      const machine = machines.get(job.pool);
      if (!machine) return true;
      const { provider, hardware, gpus } = machine;
      const wanted = { id: job.id, provider, hardware, gpus, seconds: job.seconds };
      const window = inTheWay(concerning(windows, machine), job.seconds, nowMs);
      if (window) held.push({ ...job, until: new Date(window.endsAtMs), by: `maintenance:${window.id}` });
      else if (backfill && !backfill.lets(wanted))
        held.push({
          ...job,
          until: new Date(nowMs + LOOK_AGAIN_MS),
          by: `${KEPT_FOR}${backfill.keptFor}`,
        });
      else return true;
      return false;
    },
  };
}

async function backfillFor(
  tx: Tx,
  pools: readonly Pool[],
  limits: readonly PoolLimit[],
  since: Date,
  nowMs: number,
): Promise<Backfill | undefined> {
  const big = pools.filter((pool) =>
    poolHolds(limits, pool).some(({ takes, atMost }) => takes > 1 && takes <= atMost && atMost < Infinity),
  );
  if (big.length === 0) return undefined;
  const job = await running.oldestIn(tx, big.map(poolName), since);
  const kept = job && reservationFor(job, limits, await running.expectedEnds(tx), nowMs);
  return kept && new Backfill(kept, limits, nowMs);
}
