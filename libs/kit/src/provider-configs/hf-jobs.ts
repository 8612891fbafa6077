import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, defaultImage, listedPrices } from './common.js';

/** Hugging Face Jobs of one user or organisation (docs/providers.md). */
export const hfJobsProvider = z.strictObject({
  type: z.literal('hf_jobs'),
  ...common,
  listed_prices: listedPrices,
  base_url: baseUrl.default('https://huggingface.co/api/jobs'),
  namespace: z
    .string()
    .max(96)
    .regex(/^[\w.-]+$/, 'is not the name of a user or an organisation'),
  /** The name of the secret that is the access token. */
  secret: fields.secretName,
  image: defaultImage,
});
