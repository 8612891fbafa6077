import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { isChannelName } from '../domain/lookup.js';
import { secretValue } from '../domain/secret-value.js';

const MAX_ID = 2_147_483_647;
const id = z.coerce.number().int().min(1).max(MAX_ID);
/** A user's id, or the caller. */
export const userParam = z.union([z.literal('me'), id]);
export const idParam = id;
const description = z.string().trim().min(1).max(500).optional();

export const addBody = z.strictObject({
  provider: fields.provider,
  /** The name of the secret that it is; without it, the one that the provider's configuration names. */
  credential_name: fields.secretName
    .refine((name) => !isChannelName(name), 'is a name of notification channels')
    .optional(),
  credential_value: secretValue,
  description,
});
export const editBody = z
  .strictObject({ credential_value: secretValue.optional(), description })
  .refine((edit) => edit.credential_value !== undefined || edit.description !== undefined, {
    path: ['description'],
    message: 'or credential_value is needed',
  });
export const rotateBody = z.strictObject({
  value: secretValue,
  /** Runs that were submitted with the old value go on with the new one too. */
  force: z.boolean().default(false),
  /** Does without the provider's word when it does not answer. What it refuses is never taken. */
  unchecked: z.boolean().default(false),
});
export const staleQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(3_650).default(90) });

const CHECKED = ['valid', 'refused', 'unknown', 'not_checked'] as const;
const credential = {
  id: z.int(),
  provider: z.string(),
  credential_name: z.string(),
  description: z.string().optional(),
  version: z.int(),
  /** The version that runs from before the last rotation go on with. */
  previous_version: z.int().optional(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().optional(),
  expires_at: z.iso.datetime().optional(),
  /** Its value has not ended. */
  is_active: z.boolean(),
  /** Its value is older than 90 days. */
  is_stale: z.boolean(),
  /** What the provider last said of this version: `not_checked` also where it cannot be asked. */
  checked: z.enum(CHECKED),
  checked_at: z.iso.datetime().optional(),
};
export const credentialAnswer = z.object(credential);
export const credentialsAnswer = z.object({ credentials: z.array(credentialAnswer) });
export const rotateAnswer = z.object({
  id: z.int(),
  version: z.int(),
  previous_version: z.int().optional(),
  checked: z.enum(CHECKED),
});
export const checkAnswer = z.object({ id: z.int(), provider: z.string(), checked: z.enum(CHECKED) });
export const staleAnswer = z.object({
  user_id: z.int(),
  threshold_days: z.int(),
  stale_count: z.int(),
  credentials: z.array(z.object({ ...credential, days_old: z.int() })),
});
