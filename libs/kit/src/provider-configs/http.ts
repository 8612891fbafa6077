import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, pollInterval } from './common.js';

const pointer = z
  .string()
  .regex(/^(\/[^/]*)+$/, 'is not a JSON pointer')
  .max(200);
const template = z.string().min(1).max(2_000);
const call = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
  /** Path under `base_url`; `{external_id}` and `{run_key}` are filled in. */
  path: template,
  /** JSON body; strings in it may hold `{config}`-style placeholders. */
  body: z.json().optional(),
});

/** How its webhooks are signed, with the secret of this name, and where in them it says what it calls the run. */
const webhook = z.discriminatedUnion('scheme', [
  z.strictObject({ scheme: z.literal('standard-webhooks'), secret: fields.secretName, id: pointer }),
  z.strictObject({
    scheme: z.literal('hmac-sha256'),
    secret: fields.secretName,
    header: z.string().min(1).max(100).toLowerCase(),
    id: pointer,
  }),
]);

/** Any provider with an HTTP API (docs/http-provider.md). */
export const httpProvider = z.strictObject({
  type: z.literal('http'),
  ...common,
  base_url: baseUrl,
  /** The header that carries the credential; `secret` is the name of a secret. */
  auth: z
    .strictObject({
      header: z.string().min(1).max(100).default('authorization'),
      scheme: z.string().max(40).default('Bearer'),
      secret: fields.secretName,
    })
    .optional(),
  submit: call.extend({ external_id: pointer }),
  /** Finds a run by our key, for when the answer to a submit was lost. */
  find: call.extend({ external_id: pointer }),
  status: call.extend({
    state: pointer,
    message: pointer.optional(),
    progress: pointer.optional(),
    cost_usd: pointer.optional(),
  }),
  cancel: call.optional(),
  logs: call.extend({ text: pointer.optional() }).optional(),
  webhook: webhook.optional(),
  /** The provider's words for our states; a word that is not here leaves a run as it was and is reported. */
  states: z.record(
    z.string().max(60),
    z.enum(['submitted', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out']),
  ),
  poll_interval_seconds: pollInterval.default(5),
});
