import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, defaultImage, listedPrices } from './common.js';

/** Instances of Lambda Cloud, one for each run (docs/providers.md). `hardware` is the name of an instance type. */
export const lambdaProvider = z.strictObject({
  type: z.literal('lambda'),
  ...common,
  listed_prices: listedPrices,
  base_url: baseUrl.default('https://cloud.lambda.ai/api/v1'),
  /** The name of the secret that is the API key. */
  secret: fields.secretName,
  region: z.string().min(1).max(60),
  /** The name of the SSH key that it puts onto each instance: it takes none without. */
  ssh_key: z.string().min(1).max(64),
  image: defaultImage,
});
