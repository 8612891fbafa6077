import { z } from 'zod';

/** The input that carries our key: the one thing of a prediction that both we and its list can say. */
export const RUN_KEY_INPUT = 'lineclear_run_key';

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
    input: z
      .record(z.string().min(1).max(200), z.json())
      .refine((input) => !Object.hasOwn(input, RUN_KEY_INPUT), `${RUN_KEY_INPUT} is not for jobs to set`)
      .default({}),
  })
  .refine(
    (config) => WAYS.filter((way) => config[way] !== undefined).length === 1,
    `needs exactly one of ${WAYS.join(', ')}`,
  );
export type ReplicateConfig = z.infer<typeof replicateConfig>;
