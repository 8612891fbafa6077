import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { isChannelName, SOURCES } from '../domain/lookup.js';
import { secretValue } from '../domain/secret-value.js';

/** Everybody's (set by administrators), or the caller's own. */
const scope = z.enum(['global', 'user']).default('global');
export type Scope = z.infer<typeof scope>;

const settableName = fields.secretName.refine(
  (name) => !isChannelName(name),
  'names that start with "channel." are set by notification channels',
);
export const nameParam = fields.secretName;
export const settableNameParam = settableName;

export const setSecret = z.strictObject({
  name: settableName,
  value: secretValue,
  description: z.string().trim().min(1).max(500).optional(),
  scope,
});
export const scopeQuery = z.strictObject({ scope });
export const listQuery = z.strictObject({
  scope,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The last name of the page before. */
  cursor: fields.secretName.optional(),
});

export const setAnswer = z.object({
  name: z.string(),
  scope: z.enum(['global', 'user']),
  version: z.int(),
  created_at: z.iso.datetime(),
});
export const secretAnswer = z.object({
  name: z.string(),
  scope: z.enum(['global', 'user']),
  version: z.int(),
  description: z.string().optional(),
  /** Where a job that asks for this name gets it from. */
  source: z.enum(SOURCES),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export const listAnswer = z.object({
  secrets: z.array(secretAnswer),
  total: z.int(),
  next_cursor: z.string().optional(),
});
export const explainAnswer = z.object({
  name: z.string(),
  found_in: z.object({ source: z.enum(SOURCES), scope: z.enum(['global', 'user']) }).nullable(),
  sources: z.array(
    z.object({
      source: z.enum(SOURCES),
      scope: z.enum(['global', 'user']),
      has: z.boolean(),
      version: z.int().optional(),
      note: z.string().optional(),
    }),
  ),
});
