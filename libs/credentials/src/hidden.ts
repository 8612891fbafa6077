import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/** Values that will not print: not in logs, errors, JSON or templates. `reveal()` is the one way to them. */
export class Hidden<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toJSON(): string {
    return HIDDEN;
  }

  toString(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
