import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { providerChanged } from '@lineclear/contracts';
import { Clock, Database, Metrics, NotFound, TtlCache } from '@lineclear/kit';
import * as providerConfig from '../db/provider-config.repo.js';
import { repriced, type PriceList, type Provider } from '../domain/providers.js';

/** Injects the providers that the configuration names. */
export const PROVIDERS = Symbol('PROVIDERS');
const TTL_MS = 300_000;
const MAX_ENTRIES = 100;

/** The providers with their present prices, read once in five minutes; what is set on one replica holds at once on all of them. */
@Injectable()
export class Providers implements OnApplicationBootstrap {
  readonly #cache: TtlCache<Provider>;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    metrics: Metrics,
    @Inject(PROVIDERS) private readonly configured: ReadonlyMap<string, Provider>,
  ) {
    this.#cache = new TtlCache({
      clock,
      ttlMs: TTL_MS,
      maxEntries: MAX_ENTRIES,
      name: 'provider_config',
      metrics,
    });
  }

  onApplicationBootstrap(): void {
    this.bus.watch(providerChanged, ({ data }) => this.#drop(data.provider));
    this.bus.afterSilence(() => this.#cache.clear());
  }

  async all(): Promise<ReadonlyMap<string, Provider>> {
    const providers = await Promise.all([...this.configured.values()].map((one) => this.#present(one)));
    return new Map(providers.map((provider) => [provider.name, provider]));
  }

  /** @throws NotFound when there is none of this name, or it is disabled. */
  async get(name: string): Promise<Provider> {
    const provider = this.configured.get(name);
    if (!provider) throw new NotFound('provider', name);
    return this.#present(provider);
  }

  async setPrices(name: string, hardware: PriceList): Promise<Provider> {
    const { hardware: before } = await this.get(name);
    const now = this.clock.now();
    const details = { prices_usd_per_hour: changedPrices(before, hardware) };
    await this.database.tx(async (tx) => {
      await providerConfig.put(tx, name, hardware, now);
      const target = `provider/${name}`;
      await this.bus.publish(
        tx,
        event(providerChanged, { provider: name }, { about: target }),
        audited('provider.prices_changed', { target, details }),
      );
    });
    this.#drop(name);
    return this.get(name);
  }

  #present(provider: Provider): Promise<Provider> {
    return this.#cache.getOrLoad(`${prefixOf(provider.name)}config`, async () =>
      repriced(provider, await providerConfig.of(this.database, provider.name)),
    );
  }

  #drop(name: string): void {
    this.#cache.deletePrefix(prefixOf(name));
  }
}

const prefixOf = (name: string): string => `provider:${name}:`;

const changedPrices = (before: PriceList, set: PriceList): string[] =>
  Object.entries(set).flatMap(([name, { cost_per_hour_usd: to }]) => {
    const from = Object.hasOwn(before, name) ? before[name]?.cost_per_hour_usd : undefined;
    return from === to ? [] : [`${name}: ${from ?? 'none'} -> ${to}`];
  });
