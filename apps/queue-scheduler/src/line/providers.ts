import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { audited, differences } from '@lineclear/access';
import { ask, Bus, event, type Outgoing } from '@lineclear/bus';
import { pollerPrices, providerChanged } from '@lineclear/contracts';
import { BadInput, Clock, Database, LOGGER, Metrics, NotFound, TtlCache, type Logger } from '@lineclear/kit';
import * as costs from '../db/costs.repo.js';
import * as lanes from '../db/lanes.repo.js';
import * as providerConfig from '../db/provider-config.repo.js';
import * as slots from '../db/slots.repo.js';
import { isLimited, isRoomier, type CostSetting } from '../domain/cost-limits.js';
import { priced, type PricedProvider, type PriceList, type Provider } from '../domain/providers.js';
import { costNews } from './cost-news.js';
import { Wakes } from './wakes.js';

/** Injects the providers that the configuration names. */
export const PROVIDERS = Symbol('PROVIDERS');
const TTL_MS = 300_000;
const MAX_ENTRIES = 100;
const DEADLINE_MS = 1_000;
// Until a list was read, or while nobody answers, it is asked for again this soon.
const UNLISTED_TTL_MS = 10_000;

const COST_FIELDS = ['enabled', 'amount', 'period', 'action'] as const;

/** What is to be set for a provider; what is not named stays as it is. */
export interface ProviderChange {
  readonly hardware?: PriceList | undefined;
  readonly costLimit?: Partial<CostSetting> | undefined;
}

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
    private readonly wakes: Wakes,
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
        const prices = changedPrices(provider.hardware, wanted.hardware);
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

  async #present(provider: Provider): Promise<PricedProvider> {
    const load = async (): Promise<Present> => {
      const listed = provider.sellsListed ? await this.#ask(provider.name) : {};
      const { hardware: set } = await providerConfig.of(this.database, provider.name);
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
