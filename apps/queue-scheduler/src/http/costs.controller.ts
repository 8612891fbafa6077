import { Controller, Get, Query, type OnApplicationBootstrap } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { COST_ACTIONS, COST_PERIODS, fields } from '@lineclear/contracts';
import { Answers, Clock, Database, Metrics } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import * as costs from '../db/costs.repo.js';
import {
  describeCost,
  endOfPeriod,
  isLimited,
  percentUsed,
  reachedOf,
  type CostStanding,
} from '../domain/cost-limits.js';
import { usd } from '../domain/price.js';
import { Providers } from '../line/providers.js';

const money = z.number().min(0);
const status = z.object({
  provider: fields.provider,
  enabled: z.boolean(),
  limit_amount: fields.costUsd.nullable(),
  period: z.enum(COST_PERIODS),
  action: z.enum(COST_ACTIONS),
  current_spend: money,
  waiting: money,
  percent_used: money,
  is_exceeded: z.boolean(),
  is_warning: z.boolean(),
  message: z.string(),
  period_ends_at: fields.instant,
});
const statuses = z.object({ providers: z.array(status), total: z.int() });
const statusQuery = z.strictObject({ provider: fields.provider.optional() });

/** How the cost limits of providers stand. */
@Controller('api/cloud/metrics')
export class CostsController implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly providers: Providers,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    const all = async (): Promise<CostStanding[]> =>
      costs.standings(this.database, await this.#names(), this.clock.now());
    new Gauge({
      name: 'lineclear_cost_limit_percent_used',
      help: 'How much of the cost limit of a provider is used in its period, with what waits',
      labelNames: ['provider'],
      registers: [this.metrics.registry],
      async collect() {
        this.reset();
        for (const one of (await all()).filter(isLimited))
          this.set({ provider: one.provider }, percentUsed(one));
      },
    });
  }

  @Get('cost-limit-status')
  @Allow('config.view')
  @Answers(200, statuses, 'Shows how the cost limits of providers stand')
  async status(
    @Query({ schema: statusQuery }) { provider }: z.infer<typeof statusQuery>,
  ): Promise<z.input<typeof statuses>> {
    const names = provider === undefined ? await this.#names() : [(await this.providers.get(provider)).name];
    const now = this.clock.now();
    const found = await costs.standings(this.database, names, now);
    return { providers: found.map((one) => viewStatus(one, now)), total: found.length };
  }

  async #names(): Promise<string[]> {
    return [...(await this.providers.all()).keys()];
  }
}

function viewStatus(one: CostStanding, now: Date): z.input<typeof status> {
  const reached = isLimited(one) ? reachedOf(one) : undefined;
  return {
    provider: one.provider,
    enabled: one.enabled,
    limit_amount: one.amount,
    period: one.period,
    action: one.action,
    current_spend: usd(one.spent),
    waiting: usd(one.waiting),
    percent_used: percentUsed(one),
    is_exceeded: reached === 'exceeded',
    is_warning: reached === 'warning',
    message: describeCost(one),
    period_ends_at: endOfPeriod(one.period, now).toISOString(),
  };
}
