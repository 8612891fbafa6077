const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
const SPREAD = 0.2;

/** How long to wait after so many failures in a row; `random` (0 to 1) keeps replicas from knocking together. */
export function backOffMs(failures: number, random: number): number {
  const plain = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(plain * (1 - SPREAD + 2 * SPREAD * random));
}
