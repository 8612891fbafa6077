import { z } from 'zod';
import { text, variableName } from './local.js';

/** What a job on a Slurm cluster says in its `config`: a script or a command, and how many nodes and tasks it is. */
export const slurmConfig = z
  .strictObject({
    /** Lines with #SBATCH are comments to slurmrestd. */
    script: z
      .string()
      .max(1_000_000)
      .refine((script) => script.startsWith('#!'), 'does not begin with #!')
      .refine((script) => !script.includes('\u0000'), 'holds a NUL character')
      .optional(),
    /** The program and its arguments, as they are. */
    command: z.array(text).min(1).max(200).optional(),
    env: z
      .record(variableName, text)
      .refine((env) => Object.keys(env).length <= 100, 'has more than 100 variables')
      .default({}),
    working_directory: text.refine((path) => path.startsWith('/'), 'is not an absolute path').optional(),
    nodes: z.int().min(1).max(100_000).optional(),
    tasks: z.int().min(1).max(1_000_000).optional(),
  })
  .refine(
    ({ script, command }) => (script === undefined) !== (command === undefined),
    'needs exactly one of script, command',
  );
export type SlurmConfig = z.infer<typeof slurmConfig>;
