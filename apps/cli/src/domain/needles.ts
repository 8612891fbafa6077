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

/** Builds the automaton, in time and memory linear in the needles' length. Empty needles are left out. */
export function buildNeedles(needles: readonly Uint8Array[]): Needles {
  const size = 1 + needles.reduce((sum, { length }) => sum + length, 0);
  // Children are a linked list: but for the beginning, which has a table, nearly every state has one child.
  const firstChild = new Int32Array(size).fill(NONE);
  const sibling = new Int32Array(size).fill(NONE);
  const byteOf = new Uint8Array(size);
  const depth = new Int32Array(size);
  const longest = new Int32Array(size);
  const fallback = new Int32Array(size);
  const fromRoot = new Int32Array(256);
  let states = 1;

  function child(state: number, byte: number): number {
    if (state === 0) return fromRoot[byte] || NONE;
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
        if (state === 0) fromRoot[byte] = following;
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
    return fromRoot[byte] ?? 0;
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
