import { z } from 'zod';
import { jobInput } from './input.js';

const slug = z
  .string()
  .max(200)
  .regex(/^[\w-][\w.-]*\/[\w-][\w.-]*$/, 'is not of the form owner/name');
/** The hash of a version, alone or as owner/name:hash. */
const version = z
  .string()
  .max(300)
  .regex(/^([\w-][\w.-]*\/[\w-][\w.-]*:)?\w+$/, 'is not a version');
const hash = z.string().max(100).regex(/^\w+$/, 'is not the hash of a version');

const WAYS = ['version', 'model', 'deployment', 'training'] as const;

/** What a job on Replicate says in its `config`: one of what is run, and its input. */
export const replicateConfig = z
  .strictObject({
    /** A version of any model, an official model, or a deployment: a prediction. */
    version: version.optional(),
    model: slug.optional(),
    deployment: slug.optional(),
    training: z.strictObject({ model: slug, version: hash, destination: slug }).optional(),
    input: jobInput,
  })
  .refine(
    (config) => WAYS.filter((way) => config[way] !== undefined).length === 1,
    `needs exactly one of ${WAYS.join(', ')}`,
  );
export type ReplicateConfig = z.infer<typeof replicateConfig>;
