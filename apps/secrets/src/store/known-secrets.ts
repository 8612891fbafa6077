import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { secretChanged } from '@lineclear/contracts';
import { Database, LOGGER, type Logger } from '@lineclear/kit';
import { KnownValues } from '@lineclear/redact';
import { currentOfAll, latestChange, versionsOf, type WholeVersion } from '../db/all-versions.repo.js';
import { recordOf } from '../db/keys.repo.js';
import { CannotOpen } from '../domain/envelope.js';
import { MAX_LOOKED_FOR, needleOf, type KnownSecret } from '../domain/leak-scan.js';
import { KeyRing } from '../keys/key-ring.js';

const AT_ONCE = 500;

interface Known extends KnownSecret {
  readonly version: number;
  /** Undefined for what is too short, or does not open. */
  readonly needle: Buffer | undefined;
}
interface Loaded {
  readonly change: string;
  readonly secrets: readonly KnownSecret[];
  readonly values: KnownValues;
}

/**
 * The values of the store in memory, to find them in texts: opened when somebody asks first, and from then on what changed
 * since. Nowhere else are many values in clear at a time; what is let go of is overwritten.
 */
@Injectable()
export class KnownSecrets implements OnApplicationShutdown {
  readonly #known = new Map<string, Known>();
  #loaded: Loaded | undefined;
  #loading: Promise<Loaded> | undefined;
  #changes = 0;

  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    // Also what leaves no trace in the store, as a purge does, and what is committed out of order.
    bus.watch(secretChanged, () => (this.#changes += 1));
    bus.afterSilence(() => (this.#changes += 1));
  }

  /** Of each text which secrets' values are in it. @throws Unavailable when the keys are out of reach */
  async foundIn(texts: readonly string[]): Promise<KnownSecret[][]> {
    const { secrets, values } = await this.#current();
    return texts.map((text) => {
      const bytes = Buffer.from(text, 'utf8');
      try {
        return Array.from(values.foundIn(bytes).keys(), (index) => secrets[index]!);
      } finally {
        bytes.fill(0);
      }
    });
  }

  onApplicationShutdown(): void {
    this.#loaded?.values.drop();
    this.#loaded = undefined;
    for (const { needle } of this.#known.values()) needle?.fill(0);
    this.#known.clear();
  }

  async #current(): Promise<Loaded> {
    const change = `${this.#changes} ${await latestChange(this.database)}`;
    if (this.#loaded?.change === change) return this.#loaded;
    // Who comes while it is loaded may know of a change that is not in it: what is loaded is compared again.
    if (this.#loading) await this.#loading;
    if (this.#loaded?.change === change) return this.#loaded;
    this.#loading ??= this.#load(change).finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #load(change: string): Promise<Loaded> {
    const current = await currentOfAll(this.database, MAX_LOOKED_FOR + 1);
    if (current.length > MAX_LOOKED_FOR)
      this.log.warn(
        { looked_for: MAX_LOOKED_FOR },
        'there are more secrets than are looked for in texts: those that were set longest ago are not',
      );
    const wanted = new Map(current.slice(0, MAX_LOOKED_FOR).map((one) => [one.id, one]));
    for (const [id, { name, version, needle }] of this.#known) {
      const now = wanted.get(id);
      if (now?.version === version && now.name === name) continue;
      needle?.fill(0);
      this.#known.delete(id);
    }
    const missing = [...wanted.keys()].filter((id) => !this.#known.has(id));
    for (let from = 0; from < missing.length; from += AT_ONCE)
      for (const row of await versionsOf(this.database, missing.slice(from, from + AT_ONCE)))
        this.#known.set(row.id, await this.#open(row));
    const findable = [...this.#known.values()].flatMap(({ scope, name, needle }) =>
      needle ? [{ scope, name, needle }] : [],
    );
    const loaded: Loaded = {
      change,
      secrets: findable.map(({ scope, name }) => ({ scope, name })),
      values: new KnownValues(findable.map(({ needle }) => needle)),
    };
    this.#loaded?.values.drop();
    this.#loaded = loaded;
    return loaded;
  }

  async #open(row: WholeVersion): Promise<Known> {
    const { id: secretId, scope, name, version } = row;
    try {
      const value = await this.ring.open(
        { purpose: 'secret', scope, secretId, name, version },
        recordOf(row),
      );
      return { scope, name, version, needle: needleOf(value.reveal()) };
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      // Whoever needs the value is told so; that the others are looked for must not depend on it.
      this.log.error(
        { err: error, secret_id: secretId, name, scope, version },
        'a stored secret does not open',
      );
      return { scope, name, version, needle: undefined };
    }
  }
}
