import { fits } from './wildcard.js';

export const WORKER_STATES = ['connecting', 'idle', 'busy', 'draining', 'offline'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** What of a worker its state follows from. */
export interface Standing {
  /** How long ago it was last heard of; null for never. */
  readonly silentMs: number | null;
  /** It said that it goes. */
  readonly hasLeft: boolean;
  /** It is to take nothing more. */
  readonly isDraining: boolean;
  /** How many tasks it has. */
  readonly tasks: number;
}

/** How a worker is. That it is away goes before what it should be doing. */
export function workerState(
  { silentMs, hasLeft, isDraining, tasks }: Standing,
  offlineAfterMs: number,
): WorkerState {
  if (silentMs === null) return 'connecting';
  if (hasLeft || silentMs >= offlineAfterMs) return 'offline';
  if (isDraining) return 'draining';
  return tasks > 0 ? 'busy' : 'idle';
}

/** What a worker has to give. */
export interface Offer {
  /** Names of hardware, with `*` and `?`. */
  readonly hardware: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a task asks for. */
export interface Wish {
  readonly hardware: string;
  /** Patterns of what must be said of its worker. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a worker may have a task: one of its kinds of hardware is the task's, and each label that is asked for is there and fits. */
export function mayTake(offer: Offer, wish: Wish): boolean {
  return (
    offer.hardware.some((pattern) => fits(pattern, wish.hardware)) &&
    Object.entries(wish.labels).every(([name, pattern]) => {
      const value = Object.hasOwn(offer.labels, name) ? offer.labels[name] : undefined;
      return value !== undefined && fits(pattern, value);
    })
  );
}
