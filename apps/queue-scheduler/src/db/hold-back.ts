import type { Tx } from '@lineclear/kit';
import { concerning, inTheWay, type Window } from '../domain/maintenance.js';
import { poolHolds, poolName, type Machine, type Pool, type PoolLimit } from '../domain/pools.js';
import { Backfill, KEPT_FOR, reservationFor } from '../domain/reservation.js';
import { budgetFor } from './budget.js';
import type { Held, Keeper, Next } from './lanes.repo.js';
import * as running from './running.repo.js';

/** Keeps jobs back that must not begin now; lanes of those who must wait are put into `held`. */
export interface HoldBack {
  /** Asked once for each job that would go, in their order. */
  readonly lets: (job: Next) => boolean;
  readonly held: readonly Held[];
}

/** What may keep jobs back that no ceiling keeps. */
export interface Keepers {
  readonly windows: readonly Window[];
  /** Whether machines are kept for a big job that waited since before this. */
  readonly reservesSince: Date | undefined;
  readonly limits: readonly PoolLimit[];
  readonly pools: readonly Pool[];
  readonly hasQuotas: boolean;
  readonly hasCostLimits: boolean;
}

// What is kept for a big job is looked at again so often: runs end earlier or later than they were expected to.
const LOOK_AGAIN_MS = 15_000;

/** What of maintenance, of a reservation and of money stands in the way of these; in a transaction that has entered. */
export async function holdBack(
  tx: Tx,
  candidates: readonly Next[],
  { windows, reservesSince, limits, pools, hasQuotas, hasCostLimits }: Keepers,
  now: Date,
): Promise<HoldBack> {
  const nowMs = now.getTime();
  const machines = new Map<string, Machine>(pools.map((pool) => [poolName(pool), pool]));
  const isBounded = (hasQuotas || hasCostLimits) && candidates.length > 0;
  const has = { quotas: hasQuotas, costLimits: hasCostLimits };
  const [backfill, budget] = await Promise.all([
    reservesSince && backfillFor(tx, pools, limits, reservesSince, nowMs),
    isBounded ? budgetFor(tx, candidates, machines, has, now) : undefined,
  ]);
  const byMachine = (job: Next): Keeper | undefined => {
    const machine = machines.get(job.pool);
    if (!machine) return undefined;
    const window = inTheWay(concerning(windows, machine), job.seconds, nowMs);
    if (window) return { until: new Date(window.endsAtMs), by: `maintenance:${window.id}` };
    const { provider, hardware, gpus } = machine;
    return !backfill || backfill.lets({ id: job.id, provider, hardware, gpus, seconds: job.seconds })
      ? undefined
      : { until: new Date(nowMs + LOOK_AGAIN_MS), by: `${KEPT_FOR}${backfill.keptFor}` };
  };
  const held: Held[] = [];
  return {
    held,
    lets(job) {
      const keeper = byMachine(job) ?? budget?.(job);
      if (keeper) held.push({ ...job, ...keeper });
      return keeper === undefined;
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
