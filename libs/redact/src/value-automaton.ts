/**
 * Finds many values in bytes at once (Aho-Corasick): the time grows with the input and not with the number of values. The
 * transitions are one open-addressed table in typed arrays, since a million objects would weigh ten times as much, and since
 * what is in them can be overwritten by `drop`.
 */
export class ValueAutomaton {
  /** Bytes of the shortest value and of the longest; 0 when there is none. */
  readonly shortest: number;
  readonly longest: number;
  /** Values that are equal hang on the first of them: of each the next one, or -1. */
  readonly twins: Int32Array;
  readonly #keys: Int32Array;
  readonly #targets: Int32Array;
  readonly #shift: number;
  readonly #root = new Int32Array(256);
  readonly #fail: Int32Array;
  readonly #depth: Int32Array;
  /** Of a state: the value that ends there and 1 more, or 0. */
  readonly #value: Int32Array;
  /** Of a state: the next shorter state on its way of failures at which a value ends, or 0. */
  readonly #shorter: Int32Array;

  /** Empty values are never found. */
  constructor(values: readonly Uint8Array[]) {
    const total = values.reduce((sum, { length }) => sum + length, 0);
    const bits = Math.max(4, Math.ceil(Math.log2(total + 1)) + 1);
    this.#shift = 32 - bits;
    this.#keys = new Int32Array(1 << bits).fill(-1);
    this.#targets = new Int32Array(1 << bits);
    this.#fail = new Int32Array(total + 1);
    this.#depth = new Int32Array(total + 1);
    this.#value = new Int32Array(total + 1);
    this.#shorter = new Int32Array(total + 1);
    this.twins = new Int32Array(values.length).fill(-1);
    this.shortest = values.reduce(
      (least, { length }) => (length > 0 && (least === 0 || length < least) ? length : least),
      0,
    );
    this.longest = values.reduce((most, { length }) => Math.max(most, length), 0);
    this.#link(this.#insert(values));
  }

  /** The state after one more byte; the beginning is 0. */
  next(from: number, byte: number): number {
    let state = from;
    while (state !== 0) {
      const target = this.#target(state, byte);
      if (target !== 0) return target;
      state = this.#fail[state]!;
    }
    return this.#root[byte]!;
  }

  /** How many of the last bytes may be the beginning of a value. */
  depthOf(state: number): number {
    return this.#depth[state]!;
  }

  /** Likewise, when the next byte must be one of these; -1 when nothing goes on or begins with any of them. */
  depthBefore(state: number, bytes: readonly number[]): number {
    for (let at = state; at !== 0; at = this.#fail[at]!)
      if (bytes.some((byte) => this.#target(at, byte) !== 0)) return this.#depth[at]!;
    return bytes.some((byte) => this.#root[byte] !== 0) ? 0 : -1;
  }

  /** Whether a value ends here. */
  isEnd(state: number): boolean {
    return this.#value[state] !== 0 || this.#shorter[state] !== 0;
  }

  /** Tells of the values that end here, the longest first; of equal ones the first. */
  endsAt(state: number, report: (value: number, length: number) => boolean): void {
    let hit = this.#value[state] ? state : this.#shorter[state]!;
    while (hit !== 0 && report(this.#value[hit]! - 1, this.#depth[hit]!)) hit = this.#shorter[hit]!;
  }

  /** Overwrites what it held of the values; it finds nothing any more. */
  drop(): void {
    for (const table of [
      this.#keys,
      this.#targets,
      this.#root,
      this.#fail,
      this.#depth,
      this.#value,
      this.#shorter,
    ])
      table.fill(0);
    this.#keys.fill(-1);
  }

  /** 0 when there is no way. */
  #target(state: number, byte: number): number {
    return this.#targets[this.#slot(state * 256 + byte)]!;
  }

  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(key, 0x9e3779b1) >>> this.#shift;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  /** Each state's parent and byte, in the order of their making. */
  #insert(values: readonly Uint8Array[]): { parents: Int32Array; bytes: Uint8Array; count: number } {
    const parents = new Int32Array(this.#fail.length);
    const bytes = new Uint8Array(this.#fail.length);
    let count = 1;
    for (const [index, value] of values.entries()) {
      let state = 0;
      for (const byte of value) {
        const slot = this.#slot(state * 256 + byte);
        if (this.#targets[slot] === 0) {
          this.#keys[slot] = state * 256 + byte;
          this.#targets[slot] = count;
          if (state === 0) this.#root[byte] = count;
          parents[count] = state;
          bytes[count] = byte;
          this.#depth[count] = this.#depth[state]! + 1;
          count += 1;
        }
        state = this.#targets[slot]!;
      }
      if (state === 0) continue;
      const first = this.#value[state]! - 1;
      if (first < 0) this.#value[state] = index + 1;
      else {
        this.twins[index] = this.twins[first]!;
        this.twins[first] = index;
      }
    }
    return { parents, bytes, count };
  }

  #link({ parents, bytes, count }: { parents: Int32Array; bytes: Uint8Array; count: number }): void {
    // By depth: a state fails to shallower ones only, and those must be linked before it.
    const starts = new Int32Array(this.longest + 2);
    for (let state = 1; state < count; state += 1) starts[this.#depth[state]! + 1]! += 1;
    for (let depth = 1; depth < starts.length; depth += 1) starts[depth]! += starts[depth - 1]!;
    const order = new Int32Array(count);
    for (let state = 1; state < count; state += 1) order[starts[this.#depth[state]!]!++] = state;
    for (let n = 0; n < count - 1; n += 1) {
      const state = order[n]!;
      const parent = parents[state]!;
      const fail = parent === 0 ? 0 : this.next(this.#fail[parent]!, bytes[state]!);
      this.#fail[state] = fail;
      this.#shorter[state] = this.#value[fail] ? fail : this.#shorter[fail]!;
    }
    bytes.fill(0);
  }
}
