import { levelName, PERMISSIONS } from '@lineclear/contracts';
import { z } from 'zod';
import type { CountedLevel } from '../db/levels.repo.js';
import { effectivePermissions } from '../domain/permissions.js';

export const levelSchema = z.object({
  name: levelName,
  description: z.string(),
  priority: z.int(),
  is_system: z.boolean(),
  permissions: z.array(z.enum(PERMISSIONS)),
  /** How many accounts hold it, closed ones counted. */
  users: z.int(),
});

/** A level as the API shows it. */
export const levelView = ({
  name,
  description,
  priority,
  is_system,
  permissions,
  users,
}: CountedLevel): z.infer<typeof levelSchema> => ({
  name,
  description,
  priority,
  is_system,
  permissions: effectivePermissions(permissions, []),
  users,
});
