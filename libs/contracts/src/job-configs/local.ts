import { z } from 'zod';

export const text = z
  .string()
  .max(32_768)
  .refine((value) => !value.includes('\u0000'), 'holds a NUL character');
export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is not a variable name');

/** What a job on the job-poller's own machine says in its `config`: checked when it is submitted, and again when it is run. */
export const localConfig = z.strictObject({
  /** The program and its arguments, as they are: no shell reads them. */
  command: z.array(text).min(1).max(200),
  env: z
    .record(variableName, text)
    .refine((env) => Object.keys(env).length <= 100, 'has more than 100 variables')
    .default({}),
  working_directory: text.refine((path) => path.startsWith('/'), 'is not an absolute path').optional(),
});
