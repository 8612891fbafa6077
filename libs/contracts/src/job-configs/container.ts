import { z } from 'zod';
import { text, variableName } from './local.js';

/**
 * What a job says in its `config` on a provider that runs containers. Keys that are not here are the job's own: its container
 * finds the whole config, as JSON, in `LINECLEAR_CONFIG`.
 */
export const containerConfig = z.looseObject({
  /** Where it is not said, the image that the provider's configuration names. */
  image: z.string().min(1).max(500).optional(),
  /** The program and its arguments; where it is not said, what the image runs by itself. */
  command: z.array(text).min(1).max(200).optional(),
  env: z
    .record(variableName, text)
    .refine((env) => Object.keys(env).length <= 100, 'has more than 100 variables')
    .default({}),
});
export type ContainerConfig = z.infer<typeof containerConfig>;
