import { levelName, PERMISSIONS, TEAM_ROLES } from '@lineclear/contracts';
import { z } from 'zod';
import type { UserRow } from '../db/users.repo.js';
import { permissionsOf } from '../domain/permissions.js';

export const userSchema = z.object({
  id: z.int(),
  username: z.string(),
  /** null for a service account that was given none. */
  email: z.string().nullable(),
  display_name: z.string(),
  level: levelName,
  level_names: z.array(levelName),
  is_active: z.boolean(),
  is_service_account: z.boolean(),
  permissions: z.array(z.enum(PERMISSIONS)),
  /** The organisation that they belong to, and the teams of it, the one joined first at the front. */
  org: z.object({ id: z.int(), slug: z.string() }).nullable(),
  teams: z.array(z.object({ id: z.int(), slug: z.string(), role: z.enum(TEAM_ROLES) })),
  created_at: z.iso.datetime(),
  last_login_at: z.iso.datetime().nullable(),
});

/** A person as the API shows them: with what they may do, and nothing of how they log in. */
export const userView = (user: UserRow): z.infer<typeof userSchema> => ({
  id: user.id,
  username: user.username,
  email: user.email,
  display_name: user.display_name,
  level: user.level,
  level_names: [user.level],
  is_active: user.is_active,
  is_service_account: user.kind === 'service',
  permissions: permissionsOf(user),
  org: user.org,
  teams: [...(user.teams ?? [])],
  created_at: user.created_at.toISOString(),
  last_login_at: user.last_login_at?.toISOString() ?? null,
});
