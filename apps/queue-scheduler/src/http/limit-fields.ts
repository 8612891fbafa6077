import { z } from 'zod';

/** How many jobs at once. */
export const ceiling = z.int().min(1).max(100_000);
export const poolKind = z.enum(['provider', 'hardware']);
export const poolName = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^*]*\*?$/, 'has a * elsewhere than at its end');
/** Jobs of a provider, GPUs of a kind of machine; null for no ceiling. */
export const poolAtMost = z.int().min(0).max(1_000_000).nullable();
/** An id in a path. */
export const rowId = z.coerce.number().int().min(1).max(2_147_483_647);
export const groupScope = z.enum(['org', 'team']);
/** Slots of one's own; null for none. */
export const ownSlots = z.int().min(0).max(100_000).nullable();
