import { fields, MAX_ALSO_HARDWARE, MAX_ATTEMPTS, secretEntry, slug } from '@lineclear/contracts';
import { z } from 'zod';
import { PRIORITIES } from '../domain/band.js';
import { CONDITIONS } from '../domain/dependency.js';
import { FAILURES, RETRIED_BY_DEFAULT } from '../domain/retry.js';

const MAX_CONFIG_BYTES = 262_144;
const MAX_DURATION_SECONDS = 2_592_000;
const MAX_LABELS = 32;
const MAX_FOLLOWED = 100;
export const KEY_HEADER = 'Idempotency-Key';

const durationSeconds = z.int().min(1).max(MAX_DURATION_SECONDS);
export const key = z.string().trim().min(1).max(200);
export const retryBody = z.strictObject({
  /** All of them, with the first. */
  max_attempts: z.int().min(2).max(MAX_ATTEMPTS).default(3),
  on: z
    .array(z.enum(FAILURES))
    .min(1)
    .max(FAILURES.length)
    .default([...RETRIED_BY_DEFAULT]),
  /** Until the second attempt; twice as long until each that follows, an hour at most. */
  backoff_seconds: z.int().min(0).max(3_600).default(30),
  /** After each attempt that ran out of memory the next of these. */
  oom_hardware: z
    .array(fields.hardware)
    .max(MAX_ALSO_HARDWARE)
    .refine((names) => new Set(names).size === names.length, 'names hardware twice')
    .default([]),
});
export const submitBody = z.strictObject({
  config_name: fields.configName,
  /** The provider's own input. For a local job: `command` (an array of strings), `env`, `working_directory`. */
  config: z
    .record(z.string().max(200), z.unknown())
    .refine(
      (config) => Buffer.byteLength(JSON.stringify(config)) <= MAX_CONFIG_BYTES,
      `is larger than ${MAX_CONFIG_BYTES} bytes`,
    ),
  hardware: fields.hardware,
  estimated_duration_seconds: durationSeconds.default(3_600),
  max_runtime_seconds: durationSeconds.optional(),
  output_path: z.string().min(1).max(1_000).optional(),
  /** Where its runs keep checkpoints: an attempt that is not the first is told to go on from there. */
  checkpoint_path: z.string().min(1).max(1_000).optional(),
  /** Jobs that must have ended before: well (`afterok`), however, or not well. */
  depends_on: z
    .array(z.strictObject({ job_id: fields.jobId, when: z.enum(CONDITIONS).default('afterok') }))
    .max(MAX_FOLLOWED)
    .refine((list) => new Set(list.map((one) => one.job_id)).size === list.length, 'names a job twice')
    .optional(),
  /** A run of it may be stopped for a job of a higher level, and is tried again: twice at most. */
  preemptible: z.boolean().optional(),
  /** What becomes of it when an attempt fails; without it, that was the only one. */
  retry: retryBody.optional(),
  /** Names of secrets that the job gets, and how where that is not in the variable of the name; never their values. */
  secrets: z.array(secretEntry).max(50).default([]),
  labels: z
    .record(z.string().min(1).max(63), z.string().max(255))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `has more than ${MAX_LABELS} entries`)
    .default({}),
  priority: z.enum(PRIORITIES).default('normal'),
  /** Which of the caller's teams it counts under; the one joined first when it is not said. */
  team: slug.optional(),
  /** Passes an approval that it may need, with `job.bypass.approval`: somebody else looks at it afterwards. */
  bypass_approval: z.strictObject({ reason: z.string().trim().min(1).max(2_000) }).optional(),
  idempotency_key: key.optional(),
});
export type SubmitBody = z.infer<typeof submitBody>;
