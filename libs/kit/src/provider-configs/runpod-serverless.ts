import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, webhookSecret } from './common.js';

/** One serverless endpoint of RunPod, with a queue (docs/providers.md). */
export const runpodServerlessProvider = z.strictObject({
  type: z.literal('runpod_serverless'),
  ...common,
  base_url: baseUrl.default('https://api.runpod.ai/v2'),
  endpoint_id: z
    .string()
    .max(100)
    .regex(/^[\w-]+$/, 'is not the id of an endpoint'),
  /** The name of the secret that is the API key. */
  secret: fields.secretName,
  webhook_secret: webhookSecret,
});
