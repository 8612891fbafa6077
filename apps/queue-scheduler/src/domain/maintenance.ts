import { isAbout, type Machine } from './pools.js';

/** A time in which nothing runs of the house, of a provider, or of hardware (a name, or a beginning with `*`). */
export interface Window {
  readonly id: number;
  readonly kind: 'house' | 'provider' | 'hardware';
  /** Empty for the house. */
  readonly name: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export const concerns = ({ kind, name }: Window, machine: Machine): boolean =>
  kind === 'house' || isAbout({ kind, name }, machine);

export const concerning = (windows: readonly Window[], machine: Machine): Window[] =>
  windows.filter((one) => concerns(one, machine));

/**
 * The window, of those that concern its machine, that a job must wait for, as it is open now or begins before the job would be
 * over; the one that is over last where there are several, undefined where there is none.
 */
export function inTheWay(windows: readonly Window[], seconds: number, nowMs: number): Window | undefined {
  return windows
    .filter((one) => one.endsAtMs > nowMs && one.startsAtMs < nowMs + seconds * 1_000)
    .toSorted((a, b) => b.endsAtMs - a.endsAtMs)[0];
}
