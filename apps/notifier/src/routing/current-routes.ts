import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { LOGGER, type Logger, type Queryable, type Tx } from '@lineclear/kit';
import { raiseRoutesVersion, wishesSince } from '../db/preferences.repo.js';
import { routesOf, type Route } from '../domain/routes.js';

/** Heard by every replica of this service, and by no other. */
const POKE = 'poke.notifier.routes';
const MAX_AGE_MS = 1_000;

type Subscription = ReturnType<Bus['watch']>;

/**
 * Who wants to hear of what, as of at most a second ago: a change is announced to all replicas at once, and whoever asks
 * later than a second after the last look has the version looked at first. So most events cost no SQL.
 */
@Injectable()
export class CurrentRoutes implements OnApplicationShutdown {
  readonly #announcements: Subscription;
  #routes: ReadonlyMap<string, readonly Route[]> = new Map();
  #version = -1;
  #seenAtMs = -Infinity;

  constructor(
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#announcements = bus.connection.subscribe(POKE, { callback: () => this.#doubt() });
  }

  /** Where events of this type go. */
  async of(type: string, on: Queryable): Promise<readonly Route[]> {
    // The machine's own clock: what a test sets as the time of day does not make routes older.
    if (performance.now() - this.#seenAtMs > MAX_AGE_MS) await this.#look(on);
    return this.#routes.get(type) ?? [];
  }

  async #look(on: Queryable): Promise<void> {
    const startedAtMs = performance.now();
    // A change announced while this looks makes it doubtful again.
    this.#seenAtMs = startedAtMs;
    try {
      const { version, wishes } = await wishesSince(on, this.#version);
      if (!wishes) return;
      this.#routes = routesOf(wishes);
      this.#version = version;
      this.log.debug({ version, preferences: wishes.length }, 'notification preferences loaded');
    } catch (error) {
      this.#doubt();
      throw error;
    }
  }

  #doubt(): void {
    this.#seenAtMs = -Infinity;
  }

  /** To be called first in each transaction that changes channels or preferences: so they wait for each other here, in line. */
  async changedIn(tx: Tx): Promise<void> {
    await raiseRoutesVersion(tx);
    tx.afterCommit(() => {
      this.#doubt();
      if (!this.bus.connection.isClosed()) this.bus.connection.publish(POKE);
    });
  }

  onApplicationShutdown(): void {
    this.#announcements.unsubscribe();
  }
}
