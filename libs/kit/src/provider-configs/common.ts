import { fields } from '@lineclear/contracts';
import { z } from 'zod';

/** By the provider's own name of a kind of machine. */
export const hardwarePrices = z.record(
  fields.hardware,
  z.strictObject({
    cost_per_hour_usd: z.number().min(0).max(100_000),
    /** How many GPUs it has, for quotas on GPU hours; 1 when it is not said. */
    gpus: z.int().min(0).max(10_000).optional(),
  }),
);

/** What the configuration of every provider has. */
export const common = { enabled: z.boolean().default(true), hardware: hardwarePrices.default({}) };

/** How often, in seconds, a run that is young is looked at; where it is not said, the provider's own. */
export const pollInterval = z.number().min(0.05).max(3_600);

/** The base of a provider's addresses. */
export const baseUrl = z.url({ protocol: /^https?$/ });

/** What runs where a job does not say which container it wants. */
export const defaultImage = z.string().min(1).max(500).optional();

/** The name of the secret that the provider's webhooks are proven with (docs/provider-webhooks.md). */
export const webhookSecret = fields.secretName.optional();

/** Whether jobs may name hardware that nobody here priced, at the price of the provider's own list. */
export const listedPrices = z.boolean().default(false);
