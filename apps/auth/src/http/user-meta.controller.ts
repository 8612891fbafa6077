import { Controller, Get } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { LEVEL_PERMISSIONS, LEVEL_PRIORITY, LEVELS, PERMISSIONS } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';

const level = z.object({
  name: z.enum(LEVELS),
  priority: z.int(),
  permissions: z.array(z.enum(PERMISSIONS)),
});
const levels = z.object({ levels: z.array(level), total: z.int() });
const permissions = z.object({
  permissions: z.array(z.object({ name: z.enum(PERMISSIONS), levels: z.array(z.enum(LEVELS)) })),
  total: z.int(),
});

/** The matrix of levels and permissions, both ways round. */
@Controller('api/users/meta')
export class UserMetaController {
  @Get('levels')
  @Allow('admin.users')
  @Answers(200, levels, 'Lists the levels with their permissions, lowest first')
  levels(): z.infer<typeof levels> {
    return {
      levels: LEVELS.map((name) => ({
        name,
        priority: LEVEL_PRIORITY[name],
        permissions: [...LEVEL_PERMISSIONS[name]],
      })),
      total: LEVELS.length,
    };
  }

  @Get('permissions')
  @Allow('admin.users')
  @Answers(200, permissions, 'Lists the permissions with the levels that have them')
  permissions(): z.infer<typeof permissions> {
    return {
      permissions: PERMISSIONS.map((name) => ({
        name,
        levels: LEVELS.filter((held) => LEVEL_PERMISSIONS[held].includes(name)),
      })),
      total: PERMISSIONS.length,
    };
  }
}
