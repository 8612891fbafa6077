import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { PRICE_SOURCES, type Provider } from '../domain/providers.js';
import { Providers } from '../line/providers.js';

const MAX_HARDWARE = 500;
const price = z.strictObject({
  cost_per_hour_usd: z.number().min(0).max(100_000),
  gpus: z.int().min(0).max(10_000).optional(),
});
const hardware = z
  .record(fields.hardware, price)
  .refine((list) => Object.keys(list).length <= MAX_HARDWARE, `has more than ${MAX_HARDWARE} entries`);
const configBody = z.strictObject({ hardware });
const config = z.object({ provider: fields.provider, hardware });
const listed = z.object({
  name: fields.provider,
  type: z.string(),
  /** With whose word a price is: an administrator's before the configuration's before the provider's own list. */
  hardware: z.record(fields.hardware, price.extend({ source: z.enum(PRICE_SOURCES) })),
});

const viewConfig = ({ name, hardware: prices }: Provider): z.input<typeof config> => ({
  provider: name,
  hardware: { ...prices },
});

/** The compute providers, and what their hardware costs. */
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
    return viewConfig(await this.providers.get(name));
  }

  @Put(':provider/config')
  @Allow('admin.config')
  @Answers(
    200,
    config,
    'Sets prices over those of the configuration file; jobs submitted from now on have them',
  )
  async set(
    @Param('provider', { schema: fields.provider }) name: string,
    @Body({ schema: configBody }) body: z.infer<typeof configBody>,
  ): Promise<z.input<typeof config>> {
    return viewConfig(await this.providers.setPrices(name, body.hardware));
  }
}
