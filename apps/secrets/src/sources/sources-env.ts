import { z } from 'zod';
import { faultOfOrder, SOURCES, type SourceName } from '../domain/lookup.js';

const folder = z.string().max(4_096).optional();
const seconds = (min: number, max: number): z.ZodCoercedNumber => z.coerce.number().min(min).max(max);

/** Which sources are asked, in which order, and for how long their answers are believed. */
export const sourcesEnv = {
  /** Comma separated, in the order wanted. */
  LINECLEAR_SECRETS_SOURCES: z
    .string()
    .max(200)
    .transform((text) => text.split(',').map((name) => name.trim()))
    .superRefine((names, context) => {
      const fault = faultOfOrder(names);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .transform((names) => names as SourceName[])
    .default([...SOURCES]),
  LINECLEAR_SECRETS_FILE: z.string().min(1).max(4_096).optional(),
  /** How long the file is taken to be as it was. */
  LINECLEAR_SECRETS_FILE_CHECK_SECONDS: seconds(0, 3_600).default(1),
  LINECLEAR_HOME: folder,
  HOME: folder,
  /** For how long an upstream's value is given without asking again. */
  LINECLEAR_SECRETS_CACHE_SECONDS: seconds(0, 86_400).default(60),
  /** The same for "not there"; never longer than for a value. */
  LINECLEAR_SECRETS_CACHE_MISS_SECONDS: seconds(0, 3_600).default(5),
  /** For how long after that a value is still given, while a newer one is fetched or cannot be. */
  LINECLEAR_SECRETS_CACHE_STALE_SECONDS: seconds(0, 86_400).default(300),
  LINECLEAR_SECRETS_CACHE_ENTRIES: z.coerce.number().int().min(1).max(100_000).default(1_000),
};
const sourcesSettings = z.object(sourcesEnv);
export type SourcesConfig = Readonly<z.infer<typeof sourcesSettings>>;
