import { Counter, Gauge, type Registry } from 'prom-client';

interface Counted {
  counts(): {
    readonly hits: number;
    readonly misses: number;
    readonly evictions: number;
    readonly size: number;
  };
}

/** What caches with a name do, read from them at each scrape. Caches of the same name count together. */
export class CacheMetrics {
  readonly #watched: (readonly [cache: string, Counted])[] = [];

  constructor(registry: Registry) {
    const watched = this.#watched;
    const registers = [registry];
    const labelNames = ['cache'];
    const counter = (what: 'hits' | 'misses' | 'evictions', help: string): Counter =>
      new Counter({
        name: `lineclear_cache_${what}_total`,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          for (const [cache, counted] of watched) this.inc({ cache }, counted.counts()[what]);
        },
      });
    counter('hits', 'Questions to a cache that it answered');
    counter('misses', 'Questions to a cache that it could not answer');
    counter('evictions', 'Entries of a cache thrown out before their end to make room');
    new Gauge({
      name: 'lineclear_cache_entries',
      help: 'Entries in a cache',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [cache, counted] of watched) this.inc({ cache }, counted.counts().size);
      },
    });
  }

  /** Tells of this cache from now on. */
  watch(name: string, cache: Counted): void {
    this.#watched.push([name, cache]);
  }
}
