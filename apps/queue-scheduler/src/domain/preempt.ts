import { hasRoom, type Taken } from './choice.js';
import { poolHolds, type Machine, type PoolLimit } from './pools.js';

export interface Waits extends Machine {
  readonly id: string;
  readonly band: number;
}

/** A run that may be stopped for a job of a higher band: its owner said so. */
export interface Victim extends Machine {
  readonly id: string;
  readonly band: number;
  readonly startedAtMs: number;
}

/**
 * Which runs to stop so that a job may go: of lower bands, the lowest first, of these the ones that ran least. None where it
 * may go anyway, or where stopping all of them would not do.
 */
export function victimsFor(
  job: Waits,
  victims: readonly Victim[],
  limits: readonly PoolLimit[],
  { taken, freeSlots }: { readonly taken: Taken; readonly freeSlots: number },
): Victim[] {
  const left = new Map(taken);
  let free = freeSlots;
  const holds = poolHolds(limits, job);
  const goes = (): boolean => free > 0 && hasRoom({ holds }, left);
  const stopped: Victim[] = [];
  const lower = victims
    .filter(({ band }) => band < job.band)
    .toSorted((a, b) => a.band - b.band || b.startedAtMs - a.startedAtMs);
  for (const victim of lower) {
    if (goes()) break;
    const gives = poolHolds(limits, victim);
    const isInTheWay = holds.some(
      (hold) => !hasRoom({ holds: [hold] }, left) && gives.some(({ holder }) => holder === hold.holder),
    );
    if (free > 0 && !isInTheWay) continue;
    stopped.push(victim);
    free += 1;
    for (const { holder, takes } of gives) left.set(holder, (left.get(holder) ?? 0) - takes);
  }
  return goes() ? stopped : [];
}
