const BASE_MS = 500;
const MAX_MS = 30_000;

/** How long to wait after so many failures in a row: doubling, and spread over its upper half by `random` (0 to 1). */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(ceiling * (0.5 + random / 2));
}
