import { z } from 'zod';

/** The input that carries our key, where a provider has no names and no labels: what both a submit and a list can say. */
export const RUN_KEY_INPUT = 'lineclear_run_key';

/** What a job hands to a model, or to whatever else takes a JSON object. */
export const jobInput = z
  .record(z.string().min(1).max(200), z.json())
  .refine((input) => !Object.hasOwn(input, RUN_KEY_INPUT), `${RUN_KEY_INPUT} is not for jobs to set`)
  .default({});
