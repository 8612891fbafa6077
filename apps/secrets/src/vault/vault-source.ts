import { TtlCache, type Clock } from '@lineclear/kit';
import { environmentVariable } from '../domain/environment-variable.js';
import { GLOBAL } from '../domain/scopes.js';
import type { Found, Presence, SecretSource } from '../sources/source.js';
import type { KvSecret, VaultKv } from './kv.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultMetrics } from './vault-metrics.js';

export interface VaultSourceOptions {
  readonly kv: VaultKv;
  readonly mount: string;
  /** The path of the one secret whose keys are the names. */
  readonly path: string;
  /** Names that lie elsewhere below the mount. */
  readonly elsewhere?: ReadonlyMap<string, KeyPlace>;
  readonly cacheMs: number;
  /** For how long after that a value is still given while a newer one is fetched. */
  readonly staleMs?: number;
  readonly clock: Clock;
  readonly metrics: VaultMetrics;
}

/** A key of a secret, below the mount. */
export interface KeyPlace {
  readonly path: string;
  readonly key: string;
}

interface Read {
  readonly secret: KvSecret | undefined;
}

const MAX_PATHS = 1_000;
/** What is not there now may be written in the next moment: that is remembered less long. */
const MAX_MISS_MS = 10_000;

/** Vault's key-value engine, for names that everybody shares. */
export class VaultSource implements Pick<SecretSource, 'find' | 'presence'> {
  readonly name = 'vault';
  readonly #cache: TtlCache<Read>;

  constructor(private readonly options: VaultSourceOptions) {
    const { clock, cacheMs: ttlMs, staleMs = 0 } = options;
    this.#cache = new TtlCache({ clock, ttlMs, staleMs, maxEntries: MAX_PATHS });
  }

  /** Forgets what is remembered. */
  clear(): void {
    this.#cache.clear();
  }

  /** @throws VaultFailed when Vault refuses or does not answer: that does not pass for missing. */
  async find(scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    if (scope !== GLOBAL) return found;
    // Names of one question come from one version of their secret.
    const seen = new Map<string, Read>();
    for (const name of names) {
      const { secret, key } = await this.#look(name, seen);
      const value = key === undefined ? undefined : secret?.values.get(key);
      if (value instanceof VaultFailed) throw value;
      if (secret && value) found.set(name, { value, version: secret.version });
    }
    return found;
  }

  async presence(scope: string, name: string): Promise<Presence> {
    if (scope !== GLOBAL) return { has: false, note: 'Vault is asked for what everybody shares' };
    const { secret, key, path } = await this.#look(name, new Map());
    const where = `${this.options.mount}/${path}`;
    if (!secret) return { has: false, note: `nothing at ${where}` };
    const version = secret.version === null ? {} : { version: secret.version };
    if (key === undefined) return { has: false, note: `${where} has no such key` };
    return { has: true, ...version, note: `${key} of ${where}` };
  }

  /** Forgets what was read, so that the next one asks Vault again. */
  forget(): void {
    this.#cache.clear();
  }

  async #look(
    name: string,
    seen: Map<string, Read>,
  ): Promise<{ secret: KvSecret | undefined; key: string | undefined; path: string }> {
    this.options.metrics.requests.inc({ kind: 'static' });
    const place = this.options.elsewhere?.get(name);
    const path = place?.path ?? this.options.path;
    const { secret } = seen.get(path) ?? (await this.#read(path));
    if (seen.has(path)) this.options.metrics.cacheHits.inc({ kind: 'static' });
    seen.set(path, { secret });
    // As in the environment, hf-token is also HF_TOKEN.
    const keys = place ? [place.key] : [name, environmentVariable(name)];
    return { secret, key: keys.find((key) => secret?.values.has(key)), path };
  }

  async #read(path: string): Promise<Read> {
    const { kv, mount, cacheMs, metrics } = this.options;
    const key = `${mount}/${path}`;
    if (this.#cache.get(key) !== undefined) metrics.cacheHits.inc({ kind: 'static' });
    return this.#cache.getOrLoad(
      key,
      async () => ({ secret: await kv.read(mount, path) }),
      (read) => (read.secret === undefined ? Math.min(cacheMs, MAX_MISS_MS) : undefined),
    );
  }
}
