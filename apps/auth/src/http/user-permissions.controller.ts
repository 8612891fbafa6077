import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { levelName, PERMISSIONS, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as users from '../db/users.repo.js';
import { effectivePermissions, permissionsOf } from '../domain/permissions.js';
import { ManageUsers } from '../people/manage-users.js';
import { permission, rowId } from './fields.js';

const override = z.strictObject({ permission_name: permission, granted: z.boolean() });
const names = z.array(z.enum(PERMISSIONS));
const permissions = z.object({
  user_id: z.int(),
  level: levelName,
  level_permissions: names,
  overrides: z.array(z.object({ permission_name: z.string(), granted: z.boolean() })),
  permissions: names,
});
type Permissions = z.infer<typeof permissions>;

/** What one person may do beside, or less than, their level. */
@Controller('api/users/:id/permissions')
export class UserPermissionsController {
  constructor(
    private readonly manage: ManageUsers,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, permissions, 'Shows what a person may do, and where each permission comes from')
  async get(@Param('id', { schema: rowId }) id: number): Promise<Permissions> {
    const user = await users.byId(this.database, id);
    if (!user) throw new NotFound('user', id);
    return view(user);
  }

  @Post()
  @Allow('admin.users')
  @Answers(200, permissions, 'Grants a person a permission, or denies it whatever their level says')
  async set(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: override }) body: z.infer<typeof override>,
  ): Promise<Permissions> {
    return view(await this.manage.setPermission(caller, id, body.permission_name, body.granted));
  }

  @Delete(':name')
  @Allow('admin.users')
  @Answers(200, permissions, 'Takes an override away: the level alone says again')
  async clear(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Param('name', { schema: permission }) name: z.infer<typeof permission>,
  ): Promise<Permissions> {
    return view(await this.manage.clearPermission(caller, id, name));
  }
}

const view = (user: users.UserRow): Permissions => ({
  user_id: user.id,
  level: user.level,
  level_permissions: effectivePermissions(user.level_permissions, []),
  overrides: user.overrides.map((o) => ({ permission_name: o.permission, granted: o.granted })),
  permissions: permissionsOf(user),
});
