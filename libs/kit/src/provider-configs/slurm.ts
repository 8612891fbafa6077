import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { baseUrl, common } from './common.js';

const word = z.string().min(1).max(200);
const partition = word.optional();

/** What a kind of machine is in the cluster, in the words of a submit. */
const machine = z.strictObject({
  partition,
  /** `gres/gpu:a100:2`. */
  tres_per_node: word.optional(),
  cpus_per_task: z.int().min(1).max(65_000).optional(),
  memory_per_node_mb: z.int().min(1).optional(),
});

/** A Slurm cluster, by its slurmrestd (docs/providers.md). */
export const slurmProvider = z.strictObject({
  type: z.literal('slurm'),
  ...common,
  base_url: baseUrl,
  api_version: z
    .string()
    .regex(/^v0\.0\.\d{2}$/, 'is not a version such as v0.0.40')
    .default('v0.0.40'),
  /** Whose jobs they are there. */
  user_name: z
    .string()
    .max(64)
    .regex(/^[\w.@-]+$/, 'is not the name of a user'),
  /** The name of the secret that is this user's token. */
  secret: fields.secretName,
  partition,
  account: word.optional(),
  qos: word.optional(),
  /** Where jobs begin that do not say it: on the nodes, not here. */
  working_directory: z.string().max(1_000).startsWith('/').default('/tmp'),
  /** Whether slurmdbd remembers jobs that the controller has forgotten. */
  accounting: z.boolean().default(true),
  machines: z.record(fields.hardware, machine).default({}),
});
