import type { Hold } from './choice.js';

/** Jobs of one provider and kind of machine: they can run in the same places. */
export interface Machine {
  readonly provider: string;
  readonly hardware: string;
  readonly gpus: number;
}
/** What runs in a pool. */
export interface Pool extends Machine {
  readonly running: number;
}

/**
 * How much of a provider or of a kind of machine may be taken at once: of a provider so many jobs, of hardware (a name, or a
 * beginning with `*`) so many GPUs over all providers. Nothing new is let in while it is paused.
 */
export interface PoolLimit {
  readonly kind: 'provider' | 'hardware';
  readonly name: string;
  /** null for no ceiling. */
  readonly atMost: number | null;
  readonly isPaused: boolean;
}

export const poolName = ({ provider, hardware, gpus }: Machine): string => `${provider}/${hardware}/${gpus}`;

export const isAbout = ({ kind, name }: Pick<PoolLimit, 'kind' | 'name'>, machine: Machine): boolean => {
  if (kind === 'provider') return name === machine.provider;
  return name.endsWith('*') ? machine.hardware.startsWith(name.slice(0, -1)) : machine.hardware === name;
};
// A machine without a GPU takes one of its class all the same.
const takes = ({ kind }: PoolLimit, { gpus }: Machine): number =>
  kind === 'provider' ? 1 : Math.max(1, gpus);

/** What a job on such a machine takes of limited pools. */
export const poolHolds = (limits: readonly PoolLimit[], machine: Machine): Hold[] =>
  limits
    .filter((limit) => isAbout(limit, machine))
    .map((limit) => ({
      holder: `${limit.kind}:${limit.name}`,
      takes: takes(limit, machine),
      atMost: limit.isPaused ? 0 : (limit.atMost ?? Infinity),
    }));

/** How much of each limited pool is taken. */
export function poolsTaken(limits: readonly PoolLimit[], pools: readonly Pool[]): Map<string, number> {
  const taken = new Map<string, number>();
  for (const pool of pools)
    for (const { holder, takes: each } of poolHolds(limits, pool))
      taken.set(holder, (taken.get(holder) ?? 0) + each * pool.running);
  return taken;
}
