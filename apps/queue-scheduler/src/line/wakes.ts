import { Injectable } from '@nestjs/common';

/**
 * Says "look again" to this process's claim loop, after a commit that queued a job or freed a slot. Whatever a replica
 * commits it claims itself, so replicas need not tell each other; and nothing depends on it, for there is a tick.
 */
@Injectable()
export class Wakes {
  #listener: (() => void) | undefined;

  listen(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }

  wake(): void {
    this.#listener?.();
  }
}
