import type { Metrics } from '@lineclear/kit';
import { Counter } from 'prom-client';
import type { SourceName } from '../domain/lookup.js';
import type { Found, SecretSource } from './source.js';

export const CACHE_OUTCOMES = ['hit', 'miss', 'stale', 'negative'] as const;
type CacheOutcome = (typeof CACHE_OUTCOMES)[number];

/** How often sources outside of this service are asked, and how often that was saved. */
export class SourceMetrics {
  readonly #requests: Counter<'source' | 'outcome'>;
  readonly #cache: Counter<'source' | 'outcome'>;

  constructor(metrics: Metrics) {
    this.#requests = new Counter({
      name: 'lineclear_secrets_source_requests_total',
      help: 'Questions to sources of secrets outside of the own store, by what came of them (found: at least one name)',
      labelNames: ['source', 'outcome'],
      registers: [metrics.registry],
    });
    this.#cache = new Counter({
      name: 'lineclear_secrets_cache_total',
      help: 'Names looked up in what is remembered of a source; stale: given although its time was over',
      labelNames: ['source', 'outcome'],
      registers: [metrics.registry],
    });
  }

  cached(source: SourceName, outcome: CacheOutcome): void {
    this.#cache.inc({ source, outcome });
  }

  /** The find of a source, counted. */
  async counting(
    source: SecretSource,
    scope: string,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, Found>> {
    try {
      const found = await source.find(scope, names);
      this.#requests.inc({ source: source.name, outcome: found.size > 0 ? 'found' : 'missing' });
      return found;
    } catch (error) {
      this.#requests.inc({ source: source.name, outcome: 'failed' });
      throw error;
    }
  }
}
