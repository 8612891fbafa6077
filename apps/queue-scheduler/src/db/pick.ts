import type { Tx } from '@lineclear/kit';
import { hasRoom } from '../domain/choice.js';
import type { Window } from '../domain/maintenance.js';
import { pick as policy, takingsOf, type Taking } from '../domain/pick.js';
import { poolHolds, poolName, poolsTaken, type Pool, type PoolLimit } from '../domain/pools.js';
import { halfLivesAt, type Sharing } from '../domain/share.js';
import { HAS_COST_LIMITS } from './costs.repo.js';
import { choiceOf, frontier, laneKey, overdue } from './frontier.js';
import { holdBack } from './hold-back.js';
import { hold, markLanesFull, refresh, releaseDue } from './lanes.repo.js';
import { windowsAfter } from './maintenance.repo.js';
import { POOLS } from './pools.repo.js';
import { HAS_QUOTAS } from './quotas.repo.js';
import { POLICY, policyOf, type Limits, type PolicyRow } from './slots.repo.js';

export interface Picked {
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
  readonly sharing: Sharing;
  /** In the order in which they go. */
  readonly jobIds: string[];
  /** The slots that they take. */
  readonly takings: Taking[];
  /** Whether another look may find more, with nothing having changed. */
  readonly more: boolean;
}

const HOUSE = `
  select max_concurrent, user_max_concurrent, greatest(0, least($1, max_concurrent - running)) as room, decisions, ${POLICY},
    ${HAS_QUOTAS} as has_quotas, ${HAS_COST_LIMITS} as has_cost_limits, exists (select from slots where nominal is not null) as has_nominal, ${POOLS}, ${windowsAfter('$2::timestamptz')}
  from limits, slots where slots.scope = 'house'`;
interface HouseRow extends Limits, PolicyRow {
  readonly room: number;
  readonly decisions: number;
  readonly has_quotas: boolean;
  readonly has_cost_limits: boolean;
  readonly has_nominal: boolean;
  readonly pools: readonly Pool[];
  readonly pool_limits: readonly PoolLimit[];
  readonly windows: readonly Window[];
}

/** Who goes next, at most so many: the policy of domain/pick.ts, at a cost that does not grow with the queue. */
export async function pick(tx: Tx, atMost: number, now: Date): Promise<Picked> {
  const released = await releaseDue(tx, now);
  if (released.length > 0) await refresh(tx, released, []);
  const [house] = await tx.query<HouseRow>(HOUSE, [atMost, now]);
  if (!house) throw new Error('the table of limits is empty');
  const rules = policyOf(house);
  const ceilings = {
    maxConcurrent: house.max_concurrent,
    userMaxConcurrent: house.user_max_concurrent,
    sharing: rules,
  };
  const poolTaken = poolsTaken(house.pool_limits, house.pools);
  const open = house.pools.filter((pool) =>
    hasRoom({ holds: poolHolds(house.pool_limits, pool) }, poolTaken),
  );
  const room = house.is_paused || open.length === 0 ? 0 : house.room;
  if (room === 0) return { ...ceilings, jobIds: [], takings: [], more: false };

  const look = {
    room,
    pools: open.map(poolName),
    hasQuotas: house.has_quotas,
    hasNominal: house.has_nominal,
    userAtMost: house.user_max_concurrent,
  };
  const isGuardsTurn = (house.decisions % rules.guardEvery) + room >= rules.guardEvery;
  const since = new Date(now.getTime() - rules.starvationThresholdSeconds * 1_000);
  const [rows, oldest] = await Promise.all([
    frontier(tx, look),
    isGuardsTurn ? overdue(tx, look, since) : undefined,
  ]);
  const poolHoldsOf = new Map(open.map((pool) => [poolName(pool), poolHolds(house.pool_limits, pool)]));
  const choice = choiceOf(rows, oldest, room, poolHoldsOf, poolTaken);
  const candidates = [...choice.jobs, ...(choice.overdue ? [choice.overdue] : [])];
  const full = [...rows.filter(({ id }) => id === null), ...(oldest ? [oldest] : [])]
    .filter(({ user_running, user_at_most }) => user_running >= user_at_most)
    .map(laneKey);
  const keepers = {
    windows: house.windows,
    reservesSince: house.reserves ? since : undefined,
    limits: house.pool_limits,
    pools: house.pools,
    hasQuotas: house.has_quotas,
    hasCostLimits: house.has_cost_limits,
  };
  const { lets, held } = await holdBack(tx, candidates, keepers, now);
  const { picked, isCut } = policy(
    choice,
    room,
    { atMs: now.getTime(), halfLives: halfLivesAt(now, rules), policy: rules, decisions: house.decisions },
    lets,
  );
  await Promise.all([
    markLanesFull(tx, full),
    hold(tx, held),
    picked.length > 0 && tx.query('update limits set decisions = decisions + $1', [picked.length]),
    refresh(tx, [...new Set([...full, ...held].map(({ userId }) => userId))], []),
  ]);
  return {
    ...ceilings,
    jobIds: picked.map(({ id }) => id),
    takings: takingsOf(picked),
    more:
      full.length > 0 ||
      held.length > 0 ||
      picked.length === atMost ||
      (picked.length > 0 && (isCut || picked.length < room)),
  };
}
