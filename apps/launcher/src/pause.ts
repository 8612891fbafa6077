const FIRST_MS = 200;
const LONGEST_MS = 30_000;
const HEALTHY_AFTER_MS = 30_000;

/**
 * How long to wait before a process that died is started again: twice as long with each death in a row, from the start
 * when it had lived for a while.
 */
export function nextPauseMs(deaths: number, livedMs: number): { deaths: number; ms: number } {
  const inARow = livedMs >= HEALTHY_AFTER_MS ? 0 : deaths;
  return { deaths: inARow + 1, ms: Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(inARow, 16)) };
}
