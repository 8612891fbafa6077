/** Who stands in for a channel, by its id. */
export type Fallbacks = ReadonlyMap<number, number>;

/** So many may stand in for one, one behind the other. */
export const MAX_FALLBACKS = 3;

/** Those that stand in for a channel, in order. It ends, as no circle is ever stored. */
export function fallbacksOf(fallbacks: Fallbacks, id: number): number[] {
  const chain: number[] = [];
  for (let next = fallbacks.get(id); next !== undefined && !chain.includes(next); next = fallbacks.get(next))
    chain.push(next);
  return chain;
}

/** Why `next` cannot stand in for `id` beside those that are there, or undefined. */
export function faultOfFallback(fallbacks: Fallbacks, id: number, next: number): string | undefined {
  const after = new Map([...fallbacks, [id, next]]);
  if (next === id || fallbacksOf(after, next).includes(id)) return 'would stand in for itself';
  const isTooLong = [...after.keys()].some((one) => fallbacksOf(after, one).length > MAX_FALLBACKS);
  return isTooLong ? `would make more than ${MAX_FALLBACKS} that stand in for one` : undefined;
}
