import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { pollerPrices, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import { ProviderPricesRepo } from '../db/provider-prices.repo.js';

/** Tells what a provider's own list says that its machines cost. */
@Controller()
export class AnswerPrices {
  constructor(
    private readonly database: Database,
    private readonly prices: ProviderPricesRepo,
  ) {}

  @OnRequest(pollerPrices)
  async answer({ provider }: RequestOf<typeof pollerPrices>): Promise<ReplyOf<typeof pollerPrices>> {
    const stored = await this.prices.of(this.database, provider);
    return stored ? { hardware: stored.hardware, read_at: stored.readAt.toISOString() } : { hardware: {} };
  }
}
