import { Controller, Get, Query } from '@nestjs/common';
import { Allow, requirePermission, tenantOf, Who } from '@lineclear/access';
import { COST_PERIODS, fields, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import * as forecast from '../db/forecast.repo.js';
import { rateSince } from '../domain/forecast.js';
import { endOf } from '../domain/period.js';
import { usd } from '../domain/price.js';
import * as forecasts from '../line/cost-forecasts.js';
import { Providers } from '../line/providers.js';

const money = z.number().min(0);
const bound = z.object({
  limit: z.string(),
  amount_usd: money,
  period: z.enum(COST_PERIODS),
  action: z.string(),
  period_ends_at: fields.instant,
  projected_usd: money,
  reached_at: fields.instant.nullable(),
});
const forecastView = z.object({
  subject: z.string(),
  spent_usd: money,
  reserved_usd: money,
  waiting_usd: money,
  per_day_usd: money,
  projected_usd: money,
  limits: z.array(bound),
});
const forecastList = z.object({
  forecasts: z.array(forecastView),
  total: z.int(),
  rate_since: fields.instant,
  month_ends_at: fields.instant,
});
const forecastQuery = z.strictObject({ by: z.enum(['me', 'team', 'org', 'provider']).default('me') });

/** What the month will come to. */
@Controller('api/cloud/metrics')
export class ForecastController {
  constructor(
    private readonly database: Database,
    private readonly providers: Providers,
    private readonly clock: Clock,
  ) {}

  @Get('forecast')
  @Allow('job.view.own')
  @Answers(
    200,
    forecastList,
    'Foretells what the month will come to with what runs and waits: for you, your teams and your organisation, or for all teams, organisations or providers',
  )
  async forecast(
    @Query({ schema: forecastQuery }) { by }: z.infer<typeof forecastQuery>,
    @Who() who: Principal,
  ): Promise<z.input<typeof forecastList>> {
    if (by !== 'me') requirePermission(who, 'job.view.all');
    const now = this.clock.now();
    const found = await this.#forecasts(by, who, now);
    return {
      forecasts: found.map(viewForecast),
      total: found.length,
      rate_since: rateSince(now).toISOString(),
      month_ends_at: endOf('month', now).toISOString(),
    };
  }

  async #forecasts(
    by: z.infer<typeof forecastQuery>['by'],
    who: Principal,
    now: Date,
  ): Promise<forecasts.Forecast[]> {
    switch (by) {
      case 'me':
        return forecasts.ofHolders(this.database, forecasts.holdersOfPerson(who), who.level, now);
      case 'team':
      case 'org': {
        const holders = await forecast.groups(this.database, by, tenantOf(who), now);
        return forecasts.ofHolders(this.database, holders, who.level, now);
      }
      case 'provider':
        return forecasts.ofProviders(this.database, [...(await this.providers.all()).keys()], now);
    }
  }
}

const viewForecast = (one: forecasts.Forecast): z.input<typeof forecastView> => ({
  subject: one.subject,
  spent_usd: usd(one.spent),
  reserved_usd: usd(one.reserved),
  waiting_usd: usd(one.waiting),
  per_day_usd: usd(one.perDay),
  projected_usd: usd(one.projected),
  limits: one.bounds.map((bounding) => ({
    limit: bounding.limit,
    amount_usd: bounding.amount,
    period: bounding.period,
    action: bounding.action,
    period_ends_at: bounding.periodEndsAt.toISOString(),
    projected_usd: usd(bounding.projected),
    reached_at: bounding.reachedAt?.toISOString() ?? null,
  })),
});
