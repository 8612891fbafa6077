import type { OnApplicationShutdown } from '@nestjs/common';
import type { Tx } from '@lineclear/kit';
import type { Bus } from './bus.js';

const MAX_AGE_MS = 1_000;

/** What is in the database: a version that rises with each change, and the value unless its version is known already. */
export interface Version<T> {
  readonly version: number;
  readonly value: T | undefined;
}

/**
 * Something that is asked for all the time and seldom changes, kept in the memory of every replica of a service and at most
 * a second old: a change is announced to all replicas at once, and whoever asks later than a second after the last look has
 * the version looked at first. With the database away there is no answer.
 */
export abstract class Current<T> implements OnApplicationShutdown {
  readonly #poke: string;
  readonly #announcements: { unsubscribe(): void };
  #value: T;
  #version = -1;
  #seenAtMs = -Infinity;
  #doubts = 0;
  #looking: Promise<boolean> | undefined;

  /** `name` sets it apart from others of the same service. */
  protected constructor(
    protected readonly bus: Bus,
    name: string,
    initial: T,
  ) {
    this.#value = initial;
    this.#poke = `poke.${bus.service}.${name}`;
    this.#announcements = bus.connection.subscribe(this.#poke, { callback: () => this.#doubt() });
  }

  /** Reads version and value in one statement, so that they belong together. */
  protected abstract read(known: number): Promise<Version<T>>;
  protected abstract raiseVersion(tx: Tx): Promise<void>;

  async get(): Promise<T> {
    // The machine's own clock: what a test sets as the time of day makes nothing older.
    while (performance.now() - this.#seenAtMs > MAX_AGE_MS) {
      if (await (this.#looking ??= this.#look())) break;
    }
    return this.#value;
  }

  /** To be called in each transaction that changes it. */
  async changedIn(tx: Tx): Promise<void> {
    await this.raiseVersion(tx);
    tx.afterCommit(() => {
      this.#doubt();
      if (!this.bus.connection.isClosed()) this.bus.connection.publish(this.#poke);
    });
  }

  #doubt(): void {
    this.#doubts += 1;
    this.#seenAtMs = -Infinity;
    this.#looking = undefined;
  }

  /** Brings the value up to date; false when it changed meanwhile, so that what was read may be too old. */
  async #look(): Promise<boolean> {
    const doubts = this.#doubts;
    const startedAtMs = performance.now();
    try {
      const { version, value } = await this.read(this.#version);
      if (doubts !== this.#doubts) return false;
      if (value !== undefined) {
        this.#value = value;
        this.#version = version;
        this.bus.log.debug({ version, what: this.#poke }, 'read anew');
      }
      this.#seenAtMs = startedAtMs;
      return true;
    } finally {
      if (doubts === this.#doubts) this.#looking = undefined;
    }
  }

  onApplicationShutdown(): void {
    this.#announcements.unsubscribe();
  }
}
