import { z } from 'zod';
import { SCOPES } from '../domain/scopes.js';
import { ACCESS } from '../domain/shares.js';
import { idOf, settableNameParam, whose } from './secret-schemas.js';

export const to = z.enum(['user', 'team', 'org', 'everyone']);
const access = z.enum(ACCESS);
const instant = z.iso.datetime();
/** Whose; `user_id` where it is a person's. */
const scoped = {
  scope: z.enum(SCOPES),
  user_id: z.int().optional(),
  team_id: z.int().optional(),
  org_id: z.int().optional(),
};
const named = z.object({ name: z.string(), ...scoped });

export const idParam = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'is not an id')
  .transform(Number);

export const shareBody = z
  .strictObject({
    ...whose,
    to,
    /** Of the user, the team or the organisation. */
    id: idOf.optional(),
    access: access.default('read'),
    expires_at: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((share) => (share.to === 'everyone') === (share.id === undefined), {
    path: ['id'],
    message: 'goes with a user, a team or an organisation, and not with everyone',
  });
export const shareAnswer = z.object({ id: z.int() });

const share = {
  id: z.int(),
  to,
  to_id: z.int().optional(),
  access,
  expires_at: instant.optional(),
};
export const sharesAnswer = z.object({
  shares: z.array(
    z.object({ ...share, created_at: instant, created_by: z.int(), accepted_as: z.array(named) }),
  ),
});

export const sharedQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The last id of the page before. */
  cursor: z.coerce.number().int().min(0).max(2_147_483_647).optional(),
});
export const sharedAnswer = z.object({
  shares: z.array(
    z.object({
      ...share,
      /** What whoever it is of calls it. */
      name: z.string(),
      from: z.object(scoped),
      description: z.string().optional(),
      /** The names that it has with the caller, their teams and their organisation. */
      accepted_as: z.array(named),
    }),
  ),
  next_cursor: z.int().optional(),
});

export const acceptBody = z.strictObject({
  ...whose,
  scope: z.enum(['user', 'team', 'org']).default('user'),
  /** Without it, the name that it has where it comes from. */
  as: settableNameParam.optional(),
});
export const acceptAnswer = named;

export const renameBody = z.strictObject({ ...whose, to: settableNameParam });
export const renameAnswer = z.object({ ...named.shape, version: z.int() });
