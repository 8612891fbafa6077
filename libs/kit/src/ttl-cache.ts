import type { Clock } from './clock.js';

/** A bounded map whose entries end: the least recently used goes first, and one load per key runs at a time. */
export class TtlCache<Value> {
  readonly #entries = new Map<string, { value: Value; until: number }>();
  readonly #loading = new Map<string, Promise<Value>>();

  constructor(private readonly options: { clock: Clock; ttlMs: number; maxEntries: number }) {}

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.options.clock.now().getTime()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: Value, ttlMs = this.options.ttlMs): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.options.clock.now().getTime() + ttlMs });
    if (this.#entries.size > this.options.maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
  }

  /** The cached value, or the one `load` brings. Callers that come while it loads share its outcome; failures are not kept. */
  async getOrLoad(
    key: string,
    load: () => Promise<Value>,
    ttlMsOf?: (value: Value) => number | undefined,
  ): Promise<Value> {
    const cached = this.get(key);
    if (cached !== undefined) return cached;
    const running = this.#loading.get(key);
    if (running) return running;
    const loading = load();
    this.#loading.set(key, loading);
    try {
      const value = await loading;
      // Someone may have dropped the key while it was loading: then this answer is already stale.
      if (this.#loading.get(key) === loading) this.set(key, value, ttlMsOf?.(value));
      return value;
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
    this.#loading.delete(key);
  }

  deleteWhere(matches: (value: Value, key: string) => boolean): void {
    for (const [key, entry] of this.#entries) if (matches(entry.value, key)) this.#entries.delete(key);
    // What is loading right now cannot be looked at, so none of it is kept.
    this.#loading.clear();
  }

  clear(): void {
    this.#entries.clear();
    this.#loading.clear();
  }

  get size(): number {
    return this.#entries.size;
  }
}
