const BITS = 16;

/** With which bits values begin, up to sixteen of them: looked up before anything is decoded. Node 1 has the children 2 and 3, and so on. */
export class Beginnings {
  readonly #nodes = new Int32Array((2 << BITS) / 32);
  /** Of each two letters of base64: 1 when a value may begin in the first of them. Small, and no to nearly all that is asked. */
  readonly #letters = new Uint8Array(1 << 12);

  constructor(values: readonly Uint8Array[]) {
    for (const value of values) {
      const first = ((value[0] ?? 0) << 8) | (value[1] ?? 0);
      for (let bits = 0; bits <= Math.min(BITS, value.length * 8); bits += 1) {
        const node = (1 << bits) | (first >> (BITS - bits));
        this.#nodes[node >> 5]! |= 1 << (node & 31);
      }
      for (let skipped = 0; skipped < 6; skipped += 2)
        for (let before = 0; before < 1 << skipped; before += 1)
          this.#letters[(before << (12 - skipped)) | (first >> (4 + skipped))] = 1;
    }
  }

  /** Whether a value begins with the last sixteen bits of this. */
  has16(key: number): boolean {
    const node = 0x10000 | (key & 0xffff);
    return ((this.#nodes[node >> 5]! >>> (node & 31)) & 1) === 1;
  }

  /** Whether a value may begin in the first of the last two letters of base64. */
  hasLetters(key: number): boolean {
    return this.#letters[key & 0xfff] === 1;
  }

  /** Whether a value begins with that many last bits of this, as far as sixteen of them tell. */
  has(key: number, bits: number): boolean {
    const own = key & ((1 << bits) - 1);
    const node = bits > BITS ? (1 << BITS) | (own >>> (bits - BITS)) : (1 << bits) | own;
    return ((this.#nodes[node >> 5]! >>> (node & 31)) & 1) === 1;
  }

  drop(): void {
    this.#nodes.fill(0);
    this.#letters.fill(0);
  }
}
