import { Controller, Get } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { levelName, PERMISSIONS } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import { z } from 'zod';
import * as levels from '../db/levels.repo.js';
import { levelSchema, levelView } from './level-view.js';

const levelList = z.object({ levels: z.array(levelSchema), total: z.int() });
const permissionList = z.object({
  permissions: z.array(z.object({ name: z.enum(PERMISSIONS), levels: z.array(levelName) })),
  total: z.int(),
});

/** The matrix of levels and permissions, both ways round. */
@Controller('api/users/meta')
export class UserMetaController {
  constructor(private readonly database: Database) {}

  @Get('levels')
  @Allow('admin.users')
  @Answers(200, levelList, 'Lists the levels with their permissions, lowest first')
  async levels(): Promise<z.infer<typeof levelList>> {
    const all = await levels.all(this.database);
    return { levels: all.map(levelView), total: all.length };
  }

  @Get('permissions')
  @Allow('admin.users')
  @Answers(200, permissionList, 'Lists the permissions with the levels that have them')
  async permissions(): Promise<z.infer<typeof permissionList>> {
    const all = await levels.all(this.database);
    return {
      permissions: PERMISSIONS.map((name) => ({
        name,
        levels: all.filter((level) => level.permissions.includes(name)).map((level) => level.name),
      })),
      total: PERMISSIONS.length,
    };
  }
}
