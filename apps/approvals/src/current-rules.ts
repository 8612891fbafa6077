import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Database, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { raiseRulesVersion, rulesSince } from './db/rules.repo.js';
import { RuleSet } from './domain/rule-set.js';

/** Heard by every replica of this service, and by no other. */
const POKE = 'poke.approvals.rules';
const MAX_AGE_MS = 1_000;

/**
 * The compiled rules as of at most a second ago: a change is announced to all replicas at once, and whoever asks later
 * than a second after the last look has the version looked at first. With the database away there is no answer.
 */
@Injectable()
export class CurrentRules implements OnApplicationShutdown {
  readonly #announcements: { unsubscribe(): void };
  #rules = new RuleSet([]);
  #version = -1;
  #seenAt = -Infinity;
  #doubts = 0;
  #looking: Promise<boolean> | undefined;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#announcements = bus.connection.subscribe(POKE, { callback: () => this.#doubt() });
  }

  async get(): Promise<RuleSet> {
    // The machine's own clock: what a test sets as the time of day does not make rules older.
    while (performance.now() - this.#seenAt > MAX_AGE_MS) {
      if (await (this.#looking ??= this.#look())) break;
    }
    return this.#rules;
  }

  /** To be called in each transaction that changes rules. */
  async changedIn(tx: Tx): Promise<void> {
    await raiseRulesVersion(tx);
    tx.afterCommit(() => {
      this.#doubt();
      if (!this.bus.connection.isClosed()) this.bus.connection.publish(POKE);
    });
  }

  #doubt(): void {
    this.#doubts += 1;
    this.#seenAt = -Infinity;
    this.#looking = undefined;
  }

  /** Brings the rules up to date; false when they changed meanwhile, so that what was read may be too old. */
  async #look(): Promise<boolean> {
    const doubts = this.#doubts;
    const startedAt = performance.now();
    try {
      const { version, rules } = await rulesSince(this.database, this.#version);
      if (doubts !== this.#doubts) return false;
      if (rules) {
        this.#rules = new RuleSet(rules);
        this.#version = version;
        this.log.info({ version, rules: rules.length }, 'approval rules loaded');
      }
      this.#seenAt = startedAt;
      return true;
    } finally {
      if (doubts === this.#doubts) this.#looking = undefined;
    }
  }

  onApplicationShutdown(): void {
    this.#announcements.unsubscribe();
  }
}
