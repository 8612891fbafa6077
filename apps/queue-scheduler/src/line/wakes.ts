import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Bus } from '@lineclear/bus';

const SUBJECT = 'poke.queue-scheduler.claim';

/** Says "look again" to whoever claims: in this process at once, in the others by a poke. Nothing depends on it. */
@Injectable()
export class Wakes implements OnApplicationBootstrap {
  readonly #self = randomUUID();
  #listener: (() => void) | undefined;

  constructor(private readonly bus: Bus) {}

  onApplicationBootstrap(): void {
    this.bus.connection.subscribe(SUBJECT, {
      callback: (error, message) => {
        if (!error && message.string() !== this.#self) this.wake();
      },
    });
  }

  listen(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }

  wake(): void {
    this.#listener?.();
  }

  /** For a replica that found another one at work, which may have looked before there was something to see. */
  pokeOthers(): void {
    if (!this.bus.connection.isClosed()) this.bus.connection.publish(SUBJECT, this.#self);
  }
}
