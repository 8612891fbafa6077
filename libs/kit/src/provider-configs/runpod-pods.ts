import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common, defaultImage, listedPrices } from './common.js';

const id = z.string().min(1).max(100);

/** Pods of RunPod, one for each run (docs/providers.md). `hardware` is the id of a GPU, or `<id>:<count>`. */
export const runpodPodsProvider = z.strictObject({
  type: z.literal('runpod_pods'),
  ...common,
  listed_prices: listedPrices,
  base_url: baseUrl.default('https://api.runpod.io'),
  /** The name of the secret that is the API key. */
  secret: fields.secretName,
  image: defaultImage,
  cloud: z.enum(['SECURE', 'COMMUNITY']).default('SECURE'),
  disk_gb: z.int().min(1).max(100_000).default(50),
  /** The credential that private images are pulled with, by its id at RunPod. */
  registry_id: id.optional(),
  data_center_ids: z.array(id).min(1).max(100).optional(),
  network_volume: z.strictObject({ id, path: z.string().startsWith('/').max(500) }).optional(),
});
