import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common } from './common.js';

/** A SkyPilot API server, whose managed jobs runs are (docs/providers.md). */
export const skypilotProvider = z.strictObject({
  type: z.literal('skypilot'),
  ...common,
  base_url: baseUrl,
  /** The name of the secret that is the token of a service account; a server for one machine needs none. */
  secret: fields.secretName.optional(),
});
