import { z } from 'zod';

/** A provider, hardware, or the beginning of such names with a `*` behind it. */
export const limitName = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^*]*\*?$/, 'has a * elsewhere than at its end');
