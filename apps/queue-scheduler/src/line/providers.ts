import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { ask, Bus, event } from '@lineclear/bus';
import { pollerPrices, providerChanged, takesListedPrices } from '@lineclear/contracts';
import { Clock, Database, LOGGER, Metrics, NotFound, TtlCache, type Logger } from '@lineclear/kit';
import * as providerConfig from '../db/provider-config.repo.js';
import { priced, type PricedProvider, type PriceList, type Provider } from '../domain/providers.js';

/** Injects the providers that the configuration names. */
export const PROVIDERS = Symbol('PROVIDERS');
const TTL_MS = 300_000;
const MAX_ENTRIES = 100;
const DEADLINE_MS = 1_000;
// Until a list was read, or while nobody answers, it is asked for again this soon.
const UNLISTED_TTL_MS = 10_000;

interface Present {
  readonly provider: PricedProvider;
  readonly isFinal: boolean;
}

/** The providers with their present prices, read once in five minutes; what is set on one replica holds at once on all of them. */
@Injectable()
export class Providers implements OnApplicationBootstrap {
  readonly #cache: TtlCache<Present>;
  /** What providers listed when that was last known. */
  readonly #listed = new Map<string, PriceList>();

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    metrics: Metrics,
    @Inject(LOGGER) private readonly log: Logger,
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

  async all(): Promise<ReadonlyMap<string, PricedProvider>> {
    const providers = await Promise.all([...this.configured.values()].map((one) => this.#present(one)));
    return new Map(providers.map((provider) => [provider.name, provider]));
  }

  /** @throws NotFound when there is none of this name, or it is disabled. */
  async get(name: string): Promise<PricedProvider> {
    const provider = this.configured.get(name);
    if (!provider) throw new NotFound('provider', name);
    return this.#present(provider);
  }

  async setPrices(name: string, hardware: PriceList): Promise<PricedProvider> {
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

  async #present(provider: Provider): Promise<PricedProvider> {
    const load = async (): Promise<Present> => {
      const listed = takesListedPrices(provider.type) ? await this.#ask(provider.name) : {};
      const set = await providerConfig.of(this.database, provider.name);
      const known = listed ?? this.#listed.get(provider.name);
      return { provider: priced(provider, set, known), isFinal: listed !== undefined };
    };
    const ttlMs = ({ isFinal }: Present): number => (isFinal ? TTL_MS : UNLISTED_TTL_MS);
    return (await this.#cache.getOrLoad(`${prefixOf(provider.name)}config`, load, ttlMs)).provider;
  }

  /** What a provider lists; undefined where that is not known now. Nobody who submits waits for it to be. */
  async #ask(provider: string): Promise<PriceList | undefined> {
    try {
      const { hardware, read_at } = await ask(this.bus, pollerPrices, { provider }, DEADLINE_MS);
      if (read_at === undefined) return undefined;
      this.#listed.set(provider, hardware);
      return hardware;
    } catch (error) {
      this.log.debug({ err: error, provider }, 'nobody says what a provider lists');
      return undefined;
    }
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
