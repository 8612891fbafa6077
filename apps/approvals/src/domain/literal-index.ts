/** So many characters of a literal are looked up: more cost more and tell little more. */
const MAX_KEY = 16;

/**
 * Things that can only be meant by texts that hold a literal of theirs, found by such a text without a look at all of them.
 * Those whose literal is empty are meant by any text.
 */
export class LiteralIndex<T> {
  readonly #always: T[] = [];
  readonly #byKey = new Map<string, T[]>();
  readonly #lengths: readonly number[];

  constructor(things: readonly (readonly [literal: string, thing: T])[]) {
    const lengths = new Set<number>();
    for (const [literal, thing] of things) {
      // The end of a literal tells more of it than the beginning: names begin alike.
      const key = literal.slice(-MAX_KEY);
      if (key === '') this.#always.push(thing);
      else {
        lengths.add(key.length);
        const same = this.#byKey.get(key);
        if (same) same.push(thing);
        else this.#byKey.set(key, [thing]);
      }
    }
    this.#lengths = [...lengths];
  }

  /** All that this text may mean, in no order, each once. */
  of(text: string): T[] {
    const keys = new Set(
      this.#lengths.flatMap((length) =>
        Array.from({ length: Math.max(text.length - length + 1, 0) }, (_, at) => text.slice(at, at + length)),
      ),
    );
    return this.#always.concat([...keys].flatMap((key) => this.#byKey.get(key) ?? []));
  }
}
