import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Database, NotFound, TtlCache } from '@lineclear/kit';
import * as providerConfig from '../db/provider-config.repo.js';
import { repriced, type PriceList, type Provider } from '../domain/providers.js';

/** Injects the providers that the configuration names. */
export const PROVIDERS = Symbol('PROVIDERS');
const SUBJECT = 'poke.queue-scheduler.prices';
const TTL_MS = 5_000;
const ALL = 'all';

/** The providers with their present prices; what is set on one replica holds on all of them. */
@Injectable()
export class Providers implements OnApplicationBootstrap {
  readonly #cache: TtlCache<ReadonlyMap<string, Provider>>;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(PROVIDERS) private readonly configured: ReadonlyMap<string, Provider>,
  ) {
    this.#cache = new TtlCache({ clock, ttlMs: TTL_MS, maxEntries: 1 });
  }

  onApplicationBootstrap(): void {
    this.bus.connection.subscribe(SUBJECT, { callback: () => this.#cache.clear() });
  }

  async all(): Promise<ReadonlyMap<string, Provider>> {
    return this.#cache.getOrLoad(ALL, async () => {
      const set = await providerConfig.all(this.database);
      return new Map(
        [...this.configured].map(([name, provider]) => [name, repriced(provider, set.get(name))]),
      );
    });
  }

  /** @throws NotFound when there is none of this name, or it is disabled. */
  async get(name: string): Promise<Provider> {
    const provider = (await this.all()).get(name);
    if (!provider) throw new NotFound('provider', name);
    return provider;
  }

  async setPrices(name: string, hardware: PriceList): Promise<Provider> {
    const { hardware: before } = await this.get(name);
    const now = this.clock.now();
    const details = { prices_usd_per_hour: changedPrices(before, hardware) };
    await this.database.tx(async (tx) => {
      await providerConfig.put(tx, name, hardware, now);
      await this.bus.publish(tx, audited('provider.prices_changed', { target: `provider/${name}`, details }));
    });
    this.#cache.clear();
    if (!this.bus.connection.isClosed()) this.bus.connection.publish(SUBJECT);
    return this.get(name);
  }
}

const changedPrices = (before: PriceList, set: PriceList): string[] =>
  Object.entries(set).flatMap(([name, { cost_per_hour_usd: to }]) => {
    const from = Object.hasOwn(before, name) ? before[name]?.cost_per_hour_usd : undefined;
    return from === to ? [] : [`${name}: ${from ?? 'none'} -> ${to}`];
  });
