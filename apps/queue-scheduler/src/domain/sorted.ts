/** A list that is kept in order: what changed is put where it belongs now, at a cost that hardly grows with the list. */
export class Sorted<T> implements Iterable<T> {
  readonly #items: T[];

  constructor(
    private readonly compare: (one: T, other: T) => number,
    items: Iterable<T> = [],
  ) {
    this.#items = [...items].sort(compare);
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  add(item: T): void {
    this.#items.splice(this.#placeOf(item), 0, item);
  }

  /** What is taken out must compare as it did when it came in. */
  remove(item: T): boolean {
    let at = this.#placeOf(item);
    while (at < this.#items.length && this.#items[at] !== item) {
      if (this.compare(this.#items[at]!, item) > 0) return false;
      at += 1;
    }
    return this.#items.splice(at, 1).length > 0;
  }

  /** Changes what something in the list is compared by. */
  move(item: T, change: () => void): void {
    const isHere = this.remove(item);
    change();
    if (isHere) this.add(item);
  }

  /** Where the first one is that comes no earlier. */
  #placeOf(item: T): number {
    let [from, to] = [0, this.#items.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.compare(this.#items[middle]!, item) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
