import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { audited, differences } from '@lineclear/access';
import { Bus, event, type Outgoing } from '@lineclear/bus';
import { providerChanged } from '@lineclear/contracts';
import { BadInput, Clock, Database, Metrics, NotFound, TtlCache } from '@lineclear/kit';
import * as costs from '../db/costs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as providerConfig from '../db/provider-config.repo.js';
import * as slots from '../db/slots.repo.js';
import { isLimited, isRoomier, type CostSetting } from '../domain/cost-limits.js';
import { repriced, type PriceList, type Provider } from '../domain/providers.js';
import { costNews } from './cost-news.js';
import { Wakes } from './wakes.js';

/** Injects the providers that the configuration names. */
export const PROVIDERS = Symbol('PROVIDERS');
const TTL_MS = 300_000;
const MAX_ENTRIES = 100;
const COST_FIELDS = ['enabled', 'amount', 'period', 'action'] as const;

/** What is to be set for a provider; what is not named stays as it is. */
export interface ProviderChange {
  readonly hardware?: PriceList | undefined;
  readonly costLimit?: Partial<CostSetting> | undefined;
}

/** The providers with their present prices, read once in five minutes; what is set on one replica holds at once on all of them. */
@Injectable()
export class Providers implements OnApplicationBootstrap {
  readonly #cache: TtlCache<Provider>;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly wakes: Wakes,
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

  /** What holds for a provider now. @throws NotFound when there is none of this name */
  async setting(name: string): Promise<providerConfig.ProviderSetting> {
    const { hardware } = await this.get(name);
    const { costLimit } = await providerConfig.of(this.database, name);
    return { hardware, costLimit };
  }

  /**
   * Sets what is named, at once for every replica: no submit and no claim is under way, and those that come look at it.
   * @throws BadInput for a limit without an amount
   */
  async set(name: string, wanted: ProviderChange): Promise<void> {
    const provider = await this.get(name);
    const now = this.clock.now();
    const target = `provider/${name}`;
    await this.database.tx(async (tx) => {
      await slots.enter(tx);
      const before = await providerConfig.of(tx, name);
      const after = {
        hardware: wanted.hardware ?? before.hardware,
        costLimit: { ...before.costLimit, ...wanted.costLimit },
      };
      if (after.costLimit.enabled && after.costLimit.amount === null)
        throw BadInput.at('cost_limit_amount', 'is needed for a limit that is enabled');
      await providerConfig.put(tx, name, after, now);
      const said: Outgoing[] = [];
      if (wanted.hardware) {
        const prices = changedPrices(repriced(provider, before.hardware).hardware, wanted.hardware);
        const details = { prices_usd_per_hour: prices };
        said.push(audited('provider.prices_changed', { target, details }));
      }
      if (wanted.costLimit) {
        const details = differences(before.costLimit, after.costLimit, COST_FIELDS);
        said.push(audited('provider.cost_limit_changed', { target, details }));
        if (isRoomier(before.costLimit, after.costLimit)) await costs.forgetTold(tx, name);
        const standings = await costs.standings(tx, [name], now);
        said.push(...(await costNews(tx, standings.filter(isLimited), now)));
        await lanes.reopenAll(tx);
        tx.afterCommit(() => this.wakes.wake());
      }
      await this.bus.publish(tx, event(providerChanged, { provider: name }, { about: target }), ...said);
    });
    this.#drop(name);
  }

  #present(provider: Provider): Promise<Provider> {
    return this.#cache.getOrLoad(`${prefixOf(provider.name)}config`, async () =>
      repriced(provider, (await providerConfig.of(this.database, provider.name)).hardware),
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
