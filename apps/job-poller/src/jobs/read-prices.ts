import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { Database, LOGGER, type Logger } from '@lineclear/kit';
import { Rounds } from '@lineclear/kit/rounds';
import type { Queue } from 'bullmq';
import { ProviderPricesRepo } from '../db/provider-prices.repo.js';
import { keptPrices } from '../domain/listed-prices.js';
import type { Adapter } from '../adapters/adapter.js';
import { Credentials } from '../providers/credentials.js';
import { Later } from '../providers/later.js';
import { ProviderCalls } from '../providers/provider-calls.js';
import { Providers } from '../providers/providers.js';

export const PRICES_QUEUE = 'prices';
const ROUND_MS = 30_000;
const EVERY_MS = 3_600_000;
const AGAIN_MS = 300_000;

/** Reads the price lists of the providers that have one, once an hour each. Of one that cannot be read the old one stays. */
@Processor(PRICES_QUEUE)
export class ReadPrices extends Rounds {
  constructor(
    @InjectQueue(PRICES_QUEUE) queue: Queue,
    private readonly database: Database,
    private readonly prices: ProviderPricesRepo,
    private readonly providers: Providers,
    private readonly credentials: Credentials,
    private readonly calls: ProviderCalls,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super({ queue, everyMs: ROUND_MS, log });
  }

  override async process(): Promise<void> {
    for (const adapter of this.providers.pricing())
      if (await this.prices.takeDue(this.database, adapter.name, spread(AGAIN_MS))) await this.#read(adapter);
  }

  async #read(adapter: Adapter): Promise<void> {
    const { name } = adapter;
    try {
      const { credential, account } = await this.credentials.ofHouse(adapter);
      const given = await this.calls.makeOn(adapter, account, 'prices', async () =>
        adapter.prices?.(credential),
      );
      if (given) await this.prices.store(this.database, name, keptPrices(given), spread(EVERY_MS));
    } catch (error) {
      if (error instanceof Later) return this.prices.postpone(this.database, name, error.waitMs);
      // Without the error: a provider may repeat in it what it was given.
      const why = error instanceof Error ? error.name : 'unknown';
      this.log.warn({ provider: name, why }, 'the price list of a provider could not be read');
    }
  }
}

/** So that those of many providers do not come together. */
const spread = (ms: number): number => ms * (0.9 + Math.random() * 0.2);
