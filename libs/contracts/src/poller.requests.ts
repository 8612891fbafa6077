import { z } from 'zod';
import { hardware, instant, provider } from './fields.js';
import { defineRequest } from './request.js';

/** More kinds of machines than any provider lists. */
export const MAX_LISTED_PRICES = 500;

export const listedPrice = z.object({
  cost_per_hour_usd: z.number().min(0).max(100_000),
  gpus: z.int().min(0).max(10_000),
});
export type ListedPrice = z.infer<typeof listedPrice>;

/** What a provider's own list says that its machines cost, by the names that jobs say, and when it was read; nothing before it ever was. */
export const pollerPrices = defineRequest(
  'poller.prices',
  z.object({ provider }),
  z.object({
    read_at: instant.optional(),
    hardware: z
      .record(hardware, listedPrice)
      .refine((list) => Object.keys(list).length <= MAX_LISTED_PRICES, 'has too many entries'),
  }),
);
