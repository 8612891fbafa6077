const FEW = 256;

/** Where in a text each element of what is decoded from it stands: stretches in which both go on by one. */
export class Places {
  #indexes: number[] = [];
  #places: number[] = [];
  #limit = FEW;

  /** The element stands here; those after it follow it until the next `mark`. */
  mark(index: number, place: number): void {
    const last = this.#indexes.length - 1;
    if (last >= 0 && this.#places[last]! + index - this.#indexes[last]! === place) return;
    this.#indexes.push(index);
    this.#places.push(place);
  }

  of(index: number): number {
    let at = this.#indexes.length - 1;
    while (at > 0 && this.#indexes[at]! > index) at -= 1;
    return this.#places[at]! + index - this.#indexes[at]!;
  }

  /** What is before this element is asked for no more. */
  forget(before: number): void {
    if (this.#indexes.length < this.#limit) return;
    let from = this.#indexes.length - 1;
    while (from > 0 && this.#indexes[from]! > before) from -= 1;
    this.#indexes = this.#indexes.slice(from);
    this.#places = this.#places.slice(from);
    this.#limit = Math.max(FEW, this.#indexes.length * 2);
  }

  clear(): void {
    this.#indexes.length = 0;
    this.#places.length = 0;
  }
}
