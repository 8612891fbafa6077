import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { COST_ACTIONS, COST_PERIODS, fields } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import type { CostSetting } from '../domain/cost-limits.js';
import { PRICE_SOURCES } from '../domain/providers.js';
import { Providers } from '../line/providers.js';

const MAX_HARDWARE = 500;
const price = z.strictObject({
  cost_per_hour_usd: z.number().min(0).max(100_000),
  gpus: z.int().min(0).max(10_000).optional(),
});
const hardware = z
  .record(fields.hardware, price)
  .refine((list) => Object.keys(list).length <= MAX_HARDWARE, `has more than ${MAX_HARDWARE} entries`);
const costLimit = z.object({
  cost_limit_enabled: z.boolean(),
  /** US dollars; 0 lets nothing in that costs anything. */
  cost_limit_amount: fields.costUsd,
  cost_limit_period: z.enum(COST_PERIODS),
  cost_limit_action: z.enum(COST_ACTIONS),
});
const configBody = z
  .strictObject({ hardware, ...costLimit.shape })
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'names nothing to change');
const config = costLimit.extend({
  provider: fields.provider,
  hardware,
  cost_limit_amount: fields.costUsd.nullable(),
});
const listed = z.object({
  name: fields.provider,
  type: z.string(),
  /** With whose word a price is: an administrator's before the configuration's before the provider's own list. */
  hardware: z.record(fields.hardware, price.extend({ source: z.enum(PRICE_SOURCES) })),
});

/** What a body says of the cost limit; undefined where it says nothing of it. */
function costChangeOf(body: z.infer<typeof configBody>): Partial<CostSetting> | undefined {
  const change: Partial<CostSetting> = {
    ...(body.cost_limit_enabled !== undefined && { enabled: body.cost_limit_enabled }),
    ...(body.cost_limit_amount !== undefined && { amount: body.cost_limit_amount }),
    ...(body.cost_limit_period !== undefined && { period: body.cost_limit_period }),
    ...(body.cost_limit_action !== undefined && { action: body.cost_limit_action }),
  };
  return Object.keys(change).length > 0 ? change : undefined;
}

/** The compute providers, what their hardware costs, and how much may be spent on each. */
@Controller('api/cloud/providers')
export class ProvidersController {
  constructor(private readonly providers: Providers) {}

  @Get()
  @Allow('config.view')
  @Answers(
    200,
    z.object({ providers: z.array(listed), total: z.int() }),
    'Lists the providers that jobs may name',
  )
  async list(): Promise<object> {
    const all = [...(await this.providers.all()).values()];
    return {
      providers: all.map(({ name, type, hardware: prices, sources }) => ({
        name,
        type,
        hardware: Object.fromEntries(
          Object.entries(prices).map(([kind, one]) => [kind, { ...one, source: sources[kind] }]),
        ),
      })),
      total: all.length,
    };
  }

  @Get(':provider/config')
  @Allow('admin.config')
  @Answers(200, config, 'Shows what is set for a provider')
  async show(@Param('provider', { schema: fields.provider }) name: string): Promise<z.input<typeof config>> {
    return this.#view(name);
  }

  @Put(':provider/config')
  @Allow('admin.config')
  @Answers(
    200,
    config,
    'Sets prices over those of the configuration file, for jobs submitted from now on, and the cost limit; what is not named stays',
  )
  async set(
    @Param('provider', { schema: fields.provider }) name: string,
    @Body({ schema: configBody }) body: z.infer<typeof configBody>,
  ): Promise<z.input<typeof config>> {
    await this.providers.set(name, { hardware: body.hardware, costLimit: costChangeOf(body) });
    return this.#view(name);
  }

  async #view(name: string): Promise<z.input<typeof config>> {
    const { hardware: prices, costLimit: limit } = await this.providers.setting(name);
    return {
      provider: name,
      hardware: { ...prices },
      cost_limit_enabled: limit.enabled,
      cost_limit_amount: limit.amount,
      cost_limit_period: limit.period,
      cost_limit_action: limit.action,
    };
  }
}
