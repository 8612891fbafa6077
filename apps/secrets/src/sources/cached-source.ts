import { AppError, TtlCache, type Clock } from '@lineclear/kit';
import { freshness, keptSeconds, type CachePolicy, type Freshness } from '../domain/cache-age.js';
import type { SourceName } from '../domain/lookup.js';
import type { SourceMetrics } from './source-metrics.js';
import { presenceOf, type Found, type Presence, type SecretSource } from './source.js';

interface Remembered {
  /** Undefined: the source said that it has no such name. */
  readonly found: Found | undefined;
  readonly atMs: number;
}

type Answers = ReadonlyMap<string, Found>;

/** After a refresh that failed, the next one waits this long: a source that is down is not asked by every caller. */
const REFRESH_PAUSE_SECONDS = 5;

/**
 * Remembers what an upstream source said, name by name: values for their time, "not there" for a shorter one. One question
 * per name is on its way at a time. A value whose time is over is given once more while a newer one is fetched behind, and
 * for as long as the stale time lasts also when that fails; after it an error of the source is the caller's.
 */
export class CachedSource implements SecretSource {
  readonly name: SourceName;
  readonly #entries: TtlCache<Remembered>;
  readonly #loading = new Map<string, Promise<Answers>>();
  #failure: { readonly text: string; readonly atMs: number } | undefined;
  #clears = 0;

  constructor(
    private readonly upstream: SecretSource,
    private readonly policy: CachePolicy & { readonly maxEntries: number },
    private readonly clock: Clock,
    private readonly metrics: SourceMetrics,
  ) {
    this.name = upstream.name;
    this.#entries = new TtlCache({ clock, ttlMs: 0, maxEntries: policy.maxEntries });
  }

  async find(scope: string, names: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    const answers = new Map<string, Found>();
    const stale: string[] = [];
    const missed: string[] = [];
    for (const name of names) {
      const entry = this.#entries.get(keyOf(scope, name));
      const worth = entry ? this.#worth(entry) : 'over';
      if (!entry || worth === 'over') {
        missed.push(name);
        this.metrics.cached(this.name, 'miss');
        continue;
      }
      if (worth === 'stale') stale.push(name);
      if (entry.found) answers.set(name, entry.found);
      const outcome = worth === 'stale' ? 'stale' : entry.found ? 'hit' : 'negative';
      this.metrics.cached(this.name, outcome);
    }
    if (stale.length > 0) this.#refreshBehind(scope, stale);
    if (missed.length === 0) return answers;
    return new Map([...answers, ...(await this.#load(scope, missed))]);
  }

  async presence(scope: string, name: string): Promise<Presence> {
    const found = (await this.find(scope, [name])).get(name);
    const entry = this.#entries.get(keyOf(scope, name));
    const isStale = entry !== undefined && this.#worth(entry) === 'stale';
    const ageSeconds = this.ageSeconds(name, scope);
    return {
      ...presenceOf(found),
      ...(ageSeconds === undefined ? {} : { cacheAgeSeconds: ageSeconds }),
      ...(isStale ? { stale: true } : {}),
      ...(isStale && this.#failure ? { error: this.#failure.text } : {}),
    };
  }

  /** How long ago the source said what is remembered of a name; undefined when nothing is. */
  ageSeconds(name: string, scope = 'global'): number | undefined {
    const entry = this.#entries.get(keyOf(scope, name));
    return entry && this.#ageSeconds(entry);
  }

  /** Forgets everything; what is on its way is not kept either. */
  clear(): void {
    this.#clears += 1;
    this.#entries.clear();
    this.#loading.clear();
    this.#failure = undefined;
  }

  /** Asks for those that nobody asks for yet, in one question, and waits for all. */
  async #load(scope: string, names: readonly string[]): Promise<Answers> {
    const wanted = names.filter((name) => !this.#loading.has(keyOf(scope, name)));
    const running = new Set(names.flatMap((name) => this.#loading.get(keyOf(scope, name)) ?? []));
    if (wanted.length > 0) running.add(this.#fetch(scope, wanted));
    const answers = await Promise.all(running);
    return new Map(answers.flatMap((found) => [...found]).filter(([name]) => names.includes(name)));
  }

  #fetch(scope: string, names: readonly string[]): Promise<Answers> {
    const fetching = this.#ask(scope, names).finally(() => {
      for (const name of names)
        if (this.#loading.get(keyOf(scope, name)) === fetching) this.#loading.delete(keyOf(scope, name));
    });
    for (const name of names) this.#loading.set(keyOf(scope, name), fetching);
    return fetching;
  }

  async #ask(scope: string, names: readonly string[]): Promise<Answers> {
    const clears = this.#clears;
    try {
      const found = await this.metrics.counting(this.upstream, scope, names);
      if (clears === this.#clears) {
        this.#failure = undefined;
        for (const name of names) this.#remember(keyOf(scope, name), found.get(name));
      }
      return found;
    } catch (error) {
      this.#failure = { text: wordsOf(error), atMs: this.clock.now().getTime() };
      throw error;
    }
  }

  #remember(key: string, found: Found | undefined): void {
    const entry = { found, atMs: this.clock.now().getTime() };
    this.#entries.set(key, entry, keptSeconds(found === undefined, this.policy) * 1_000);
  }

  #refreshBehind(scope: string, names: readonly string[]): void {
    if (this.#failure && this.#sinceSeconds(this.#failure.atMs) < REFRESH_PAUSE_SECONDS) return;
    // What went wrong is counted, and told by `presence`.
    this.#load(scope, names).catch(() => undefined);
  }

  #worth = (entry: Remembered): Freshness =>
    freshness(this.#ageSeconds(entry), entry.found === undefined, this.policy);
  #ageSeconds = (entry: Remembered): number => this.#sinceSeconds(entry.atMs);
  #sinceSeconds = (atMs: number): number => Math.max(0, (this.clock.now().getTime() - atMs) / 1_000);
}

const keyOf = (scope: string, name: string): string => `${scope} ${name}`;
/** What this service says of failures names no value; what anything else says is not known to. */
const wordsOf = (error: unknown): string => (error instanceof AppError ? error.message : 'it failed');
