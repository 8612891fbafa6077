import { z } from 'zod';
import { jobInput } from './input.js';

const WEEK_MS = 604_800_000;

/** What a job on a serverless endpoint of RunPod says in its `config`: the fields and the bounds are RunPod's. */
export const runpodServerlessConfig = z.strictObject({
  input: jobInput,
  policy: z
    .strictObject({
      executionTimeout: z.int().min(5_001).max(WEEK_MS).optional(),
      ttl: z.int().min(10_000).max(WEEK_MS).optional(),
      lowPriority: z.boolean().optional(),
    })
    .optional(),
});
export type RunpodServerlessConfig = z.infer<typeof runpodServerlessConfig>;
