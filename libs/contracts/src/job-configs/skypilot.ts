import { z } from 'zod';
import { text, variableName } from './local.js';

const amount = z.union([z.number().positive().max(1_000_000), z.string().regex(/^\d+(\.\d+)?[+x]?$/)]);
const place = z.string().min(1).max(200);

/** What a job says in its `config` on SkyPilot: a task, with one command. Its accelerators are its `hardware`. */
export const skypilotConfig = z
  .strictObject({
    /** A script, or a program and its arguments that no shell reads. */
    run: text.min(1).optional(),
    command: z.array(text).min(1).max(200).optional(),
    /** A script that is run before it. */
    setup: text.min(1).optional(),
    resources: z
      .strictObject({
        infra: place,
        cloud: place,
        region: place,
        zone: place,
        image_id: place,
        cpus: amount,
        memory: amount,
        disk_size: z.int().min(1).max(100_000),
        use_spot: z.boolean(),
      })
      .partial()
      .optional(),
    envs: z
      .record(variableName, text)
      .refine((envs) => Object.keys(envs).length <= 100, 'has more than 100 variables')
      .default({}),
  })
  .refine(({ run, command }) => (run === undefined) !== (command === undefined), {
    message: 'has to be there, or `command`, and not both',
    path: ['run'],
  });
export type SkypilotConfig = z.infer<typeof skypilotConfig>;
