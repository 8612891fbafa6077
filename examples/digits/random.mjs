/**
 * A small seeded generator (mulberry32): Math.random() has no seed. `stream` gives each use its own
 * sequence, so that the order of epoch 7 depends on nothing that happened in epochs 1 to 6.
 */
export function randomFrom(seed, stream) {
  let state = (seed ^ Math.imul(stream + 1, 0x9e3779b1)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The numbers 0 to count - 1 in a random order (Fisher-Yates). */
export function shuffledIndices(count, random) {
  const indices = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [indices[last], indices[other]] = [indices[other], indices[last]];
  }
  return indices;
}
