import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.js';
import type { Metrics } from './metrics.js';

const CLEAN_UP_MS = 60_000;

export interface TtlCacheOptions {
  readonly clock: Clock;
  /** How long an entry counts, in milliseconds, unless who sets it says otherwise. */
  readonly ttlMs: number;
  readonly maxEntries: number;
  /** For so many milliseconds after its end `getOrLoad` still gives an entry out, and loads it anew meanwhile. */
  readonly staleMs?: number;
  /** Is told why an entry could not be loaded anew; until it has no more to give out, nobody else hears of it. */
  readonly onRefreshError?: (error: unknown) => void;
  /** How often, in milliseconds, what has ended is thrown away though nobody asked for it. */
  readonly cleanUpMs?: number;
  /** With both, the metrics tell of this cache under this name for as long as the process lives. */
  readonly name?: string;
  readonly metrics?: Pick<Metrics, 'caches'> | undefined;
}

/** What a cache did since it was made, and how much is in it. */
export interface CacheCounts {
  /** Answered from memory. */
  readonly hits: number;
  /** Asked for and not there, or no longer. */
  readonly misses: number;
  /** Thrown out before their end to make room. */
  readonly evictions: number;
  readonly size: number;
}

export interface CacheStats extends CacheCounts {
  readonly maxEntries: number;
  /** Of `size`, what is past its end and not yet thrown away. */
  readonly expiredCount: number;
  readonly defaultTtlMs: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly freshUntilMs: number;
}

interface Flight<Value> {
  readonly outcome: Promise<Value>;
}

/** For how many milliseconds a value is to be kept: 0 for not at all, undefined for as long as the cache does by itself. */
type TtlMsOf<Value> = (value: Value) => number | undefined;

/**
 * A bounded map whose entries end: the least recently used goes first, and one load per key runs at a time. It holds no process
 * open, and needs no closing.
 */
export class TtlCache<Value> {
  readonly #entries: LRUCache<string, Entry<Value>>;
  readonly #loading = new Map<string, Flight<Value>>();
  readonly #staleMs: number;
  #isCleanUpDue = false;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(private readonly options: TtlCacheOptions) {
    this.#staleMs = options.staleMs ?? 0;
    this.#entries = new LRUCache<string, Entry<Value>>({
      max: options.maxEntries,
      // The library takes a start at 0 for none at all.
      perf: { now: () => this.#nowMs() + 1 },
      ttlResolution: 0,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
    const { metrics, name } = options;
    if (metrics && name !== undefined) metrics.caches.watch(name, this);
  }

  /** What is there and has not ended. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    const isFresh = entry !== undefined && this.#nowMs() < entry.freshUntilMs;
    this.#count(isFresh);
    return isFresh ? entry.value : undefined;
  }

  /** Whether there is something, be it undefined, that has not ended. It does not count as a use. */
  has(key: string): boolean {
    const entry = this.#entries.peek(key);
    return entry !== undefined && this.#nowMs() < entry.freshUntilMs;
  }

  /** Keeps a value for `ttlMs` milliseconds: what is being loaded under this key is out of date by that. */
  set(key: string, value: Value, ttlMs = this.options.ttlMs): void {
    this.#loading.delete(key);
    if (!(ttlMs > 0)) {
      this.#entries.delete(key);
      return;
    }
    const entry = { value, freshUntilMs: this.#nowMs() + ttlMs };
    // For the library an entry ends only after its time, for us with it.
    this.#entries.set(key, entry, { ttl: Math.ceil(ttlMs + this.#staleMs) - 0.5 });
    this.#cleanUpLater();
  }

  /**
   * The cached value, or the one `load` brings. Callers that come while it loads share its outcome; failures are not kept,
   * null and undefined only if `ttlMsOf` says for how long. What is deleted or set meanwhile makes the load out of date: its
   * callers get what it brings, and nobody after them. @throws what `load` throws
   */
  async getOrLoad(key: string, load: () => Promise<Value>, ttlMsOf?: TtlMsOf<Value>): Promise<Value> {
    const entry = this.#entries.get(key);
    this.#count(entry !== undefined);
    if (!entry) return this.#load(key, load, ttlMsOf);
    if (this.#nowMs() >= entry.freshUntilMs && !this.#loading.has(key))
      this.#load(key, load, ttlMsOf).catch((error: unknown) => this.options.onRefreshError?.(error));
    return entry.value;
  }

  /** As `getOrLoad`, for what needs no waiting. @throws what `make` throws */
  getOrMake(key: string, make: () => Value, ttlMsOf?: TtlMsOf<Value>): Value {
    const entry = this.#entries.get(key);
    const isFresh = entry !== undefined && this.#nowMs() < entry.freshUntilMs;
    this.#count(isFresh);
    if (isFresh) return entry.value;
    const value = make();
    this.set(key, value, this.#ttlMs(value, ttlMsOf));
    return value;
  }

  /** Whether there was something. */
  delete(key: string): boolean {
    this.#loading.delete(key);
    const isThere = this.#entries.has(key);
    this.#entries.delete(key);
    return isThere;
  }

  /** Deletes all whose key starts so; says how many there were. */
  deletePrefix(prefix: string): number {
    for (const key of this.#loading.keys()) if (key.startsWith(prefix)) this.#loading.delete(key);
    return this.#deleteAll([...this.#entries.keys()].filter((key) => key.startsWith(prefix)));
  }

  /** Deletes all that match; says how many there were. */
  deleteWhere(matches: (value: Value, key: string) => boolean): number {
    // What is loading right now cannot be looked at, so none of it is kept.
    this.#loading.clear();
    const matching = [...this.#entries.entries()].filter(([key, { value }]) => matches(value, key));
    return this.#deleteAll(matching.map(([key]) => key));
  }

  /** Deletes all; says how many there were. */
  clear(): number {
    return this.deletePrefix('');
  }

  /** With what has ended and was not yet thrown away. */
  get size(): number {
    return this.#entries.size;
  }

  counts(): CacheCounts {
    return { hits: this.#hits, misses: this.#misses, evictions: this.#evictions, size: this.size };
  }

  /** Looks at every entry. */
  stats(): CacheStats {
    const { maxEntries, ttlMs } = this.options;
    const nowMs = this.#nowMs();
    const fresh = [...this.#entries.values()].filter(({ freshUntilMs }) => nowMs < freshUntilMs).length;
    return { ...this.counts(), maxEntries, expiredCount: this.size - fresh, defaultTtlMs: ttlMs };
  }

  #load(key: string, load: () => Promise<Value>, ttlMsOf?: TtlMsOf<Value>): Promise<Value> {
    const running = this.#loading.get(key);
    if (running) return running.outcome;
    const flight = { outcome: begin(load) };
    this.#loading.set(key, flight);
    return this.#land(key, flight, ttlMsOf);
  }

  async #land(key: string, flight: Flight<Value>, ttlMsOf?: TtlMsOf<Value>): Promise<Value> {
    try {
      const value = await flight.outcome;
      if (this.#loading.get(key) === flight) this.set(key, value, this.#ttlMs(value, ttlMsOf));
      return value;
    } finally {
      if (this.#loading.get(key) === flight) this.#loading.delete(key);
    }
  }

  #ttlMs(value: Value, ttlMsOf?: TtlMsOf<Value>): number {
    return ttlMsOf?.(value) ?? (value === undefined || value === null ? 0 : this.options.ttlMs);
  }

  #deleteAll(keys: readonly string[]): number {
    for (const key of keys) this.#entries.delete(key);
    return keys.length;
  }

  /** While there is something to clean up a timer waits for it; a cache that is forgotten forgets its timer with its last entry. */
  #cleanUpLater(): void {
    if (this.#isCleanUpDue) return;
    this.#isCleanUpDue = true;
    setTimeout(() => {
      this.#isCleanUpDue = false;
      this.#entries.purgeStale();
      if (this.size > 0) this.#cleanUpLater();
    }, this.options.cleanUpMs ?? CLEAN_UP_MS).unref();
  }

  #count(isHit: boolean): void {
    if (isHit) this.#hits += 1;
    else this.#misses += 1;
  }

  #nowMs(): number {
    return this.options.clock.now().getTime();
  }
}

/** What fails at once fails like what fails later. */
const begin = async <Value>(load: () => Promise<Value>): Promise<Value> => load();
