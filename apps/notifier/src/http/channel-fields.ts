import { z } from 'zod';

// A line end in a name could become one in a mail's header.
export const name = z
  .string()
  .trim()
  .min(1)
  .max(120)
  .regex(/^\P{Cc}*$/u, 'holds a control character');

export const webhookUrl = z
  .string()
  .max(2_048)
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'is not a http or https URL',
  )
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'holds a user name or password',
  );

/** What an endpoint takes at once. */
export const limits = {
  max_concurrent: z.int().min(1).max(32),
  max_per_second: z.int().min(1).max(1_000),
};
