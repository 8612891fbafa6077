import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, webhookSecret } from './common.js';

/** Predictions and trainings of Replicate (docs/providers.md). */
export const replicateProvider = z.strictObject({
  type: z.literal('replicate'),
  ...common,
  base_url: baseUrl.default('https://api.replicate.com/v1'),
  /** The name of the secret that is the API token. */
  secret: fields.secretName,
  webhook_secret: webhookSecret,
});
