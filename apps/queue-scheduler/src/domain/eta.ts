import type { End, Simulated } from './simulate.js';

/**
 * Why it is not known when a job starts: nothing that ends would let it in; it is farther away than anybody looks; or it stands
 * behind what was read of a very long queue.
 */
export const BEYOND = ['kept', 'far', 'unread'] as const;
export type Beyond = (typeof BEYOND)[number];

/** When a job is expected to start: as likely before p50 as after it, and nine times in ten before p90. */
export interface Eta {
  /** Its place among those that start; null where it is not known. */
  readonly position: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  /** Null where both are known. */
  readonly beyond: Beyond | null;
}

const BEYOND_BY: Readonly<Record<End, Beyond>> = { all: 'kept', kept: 'kept', bound: 'far', cut: 'unread' };

/** When everything takes as long as half of all runs do, and as long as nine of ten do. */
export function etaOf(jobId: string, likely: Simulated, late: Simulated): Eta {
  const [start, lateStart] = [likely.starts.get(jobId), late.starts.get(jobId)];
  if (!start) return { position: null, p50Ms: null, p90Ms: null, beyond: BEYOND_BY[likely.end] };
  return {
    position: start.position,
    p50Ms: start.atMs,
    // Where all takes longer others may come to stand before it, or behind it.
    p90Ms: lateStart ? Math.max(start.atMs, lateStart.atMs) : null,
    beyond: lateStart ? null : BEYOND_BY[late.end],
  };
}
