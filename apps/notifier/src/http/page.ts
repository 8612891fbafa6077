import { z } from 'zod';

const MAX_ID = 2_147_483_647;
export const idParam = z.coerce.number().int().min(1).max(MAX_ID);

/** A page of a list in the order of ids; `cursor` is the last id of the page before. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.coerce.number().int().min(0).max(MAX_ID).default(0),
});
export type Page = z.infer<typeof pageQuery>;
