import { Injectable } from '@nestjs/common';

/**
 * Says "look again" to the loops of this process, after a commit that queued a job, freed a slot or ended a job. Whatever a
 * replica commits it follows up itself, so replicas need not tell each other; and nothing depends on it, for there are ticks.
 */
@Injectable()
export class Wakes {
  readonly #listeners = new Set<() => void>();

  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  ignore(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of this.#listeners) listener();
  }
}
