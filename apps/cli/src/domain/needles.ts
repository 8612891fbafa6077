/** Byte strings that are looked for all at once (Aho and Corasick). State 0 is the beginning. */
export interface Needles {
  /** The state after one more byte. */
  readonly next: (state: number, byte: number) => number;
  /** How many of the last bytes may be the beginning of a needle. */
  readonly depth: Int32Array;
  /** The length of the longest needle that ends here, 0 for none. */
  readonly longest: Int32Array;
}

const NONE = -1;
const BYTES = 256;
const MAX_TABLES = 1 + BYTES;

/** Builds the automaton, in time and memory linear in the needles' length. Empty needles are left out. */
export function buildNeedles(needles: readonly Uint8Array[]): Needles {
  const size = 1 + needles.reduce((sum, { length }) => sum + length, 0);
  // Children are a linked list: nearly every state has one. Those of the beginning and of the states right after it are in
  // tables, too, as nearly every byte of an innocent text leads there and back.
  const firstChild = new Int32Array(size).fill(NONE);
  const sibling = new Int32Array(size).fill(NONE);
  const byteOf = new Uint8Array(size);
  const depth = new Int32Array(size);
  const longest = new Int32Array(size);
  const fallback = new Int32Array(size);
  const tables = new Int32Array(MAX_TABLES * BYTES);
  /** Where a state's table begins, after 1; 0 for a state without one. */
  const tableOf = new Int32Array(size);
  tableOf[0] = 1;
  let usedTables = 1;
  let states = 1;

  function child(state: number, byte: number): number {
    const table = tableOf[state] ?? 0;
    if (table > 0) return tables[table - 1 + byte] || NONE;
    let found = firstChild[state] ?? NONE;
    while (found !== NONE && byteOf[found] !== byte) found = sibling[found] ?? NONE;
    return found;
  }

  for (const needle of needles) {
    let state = 0;
    for (const byte of needle) {
      let following = child(state, byte);
      if (following === NONE) {
        following = states++;
        byteOf[following] = byte;
        depth[following] = (depth[state] ?? 0) + 1;
        sibling[following] = firstChild[state] ?? NONE;
        firstChild[state] = following;
        const table = tableOf[state] ?? 0;
        if (table > 0) tables[table - 1 + byte] = following;
        if (state === 0) tableOf[following] = 1 + BYTES * usedTables++;
      }
      state = following;
    }
    longest[state] = needle.length;
  }

  function next(state: number, byte: number): number {
    for (let at = state; at !== 0; at = fallback[at] ?? 0) {
      const found = child(at, byte);
      if (found !== NONE) return found;
    }
    return tables[byte] ?? 0;
  }

  // Level by level: what a state falls back to is always nearer to the beginning.
  let level: number[] = [0];
  while (level.length > 0) {
    const below: number[] = [];
    for (const state of level) {
      for (let one = firstChild[state] ?? NONE; one !== NONE; one = sibling[one] ?? NONE) {
        const to = state === 0 ? 0 : next(fallback[state] ?? 0, byteOf[one] ?? 0);
        fallback[one] = to;
        longest[one] = Math.max(longest[one] ?? 0, longest[to] ?? 0);
        below.push(one);
      }
    }
    level = below;
  }
  return { next, depth, longest };
}
