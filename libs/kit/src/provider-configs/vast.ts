import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, defaultImage, webhookSecret } from './common.js';

/** Instances of Vast.ai, one for each run (docs/providers.md). `hardware` is the name of a GPU there, or `<name>:<count>`. */
export const vastProvider = z.strictObject({
  type: z.literal('vast'),
  ...common,
  base_url: baseUrl.default('https://console.vast.ai'),
  /** The name of the secret that is the API key. */
  secret: fields.secretName,
  webhook_secret: webhookSecret,
  image: defaultImage,
  disk_gb: z.int().min(1).max(10_000).default(32),
  /** Where it may say that a log is, `host` or `host:port`: nothing is read from anywhere else. */
  logs_hosts: z.array(z.string().min(1).max(260)).max(20).default(['s3.amazonaws.com']),
});
