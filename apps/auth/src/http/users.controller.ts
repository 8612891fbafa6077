import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { levelName, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as users from '../db/users.repo.js';
import { ManageUsers } from '../people/manage-users.js';
import {
  bothLevelsAgree,
  displayName,
  email,
  levelNames,
  levelOf,
  newPassword,
  pageSize,
  rowId,
  username,
} from './fields.js';
import { userSchema, userView } from './user-view.js';

const levels = { level: levelName.optional(), level_names: levelNames.optional() };
const create = z
  .strictObject({
    email: email.optional(),
    username,
    password: newPassword.optional(),
    display_name: displayName.optional(),
    is_service_account: z.boolean().default(false),
    ...levels,
  })
  .refine(bothLevelsAgree.check, bothLevelsAgree.params)
  .refine((body) => body.is_service_account || body.email !== undefined, {
    path: ['email'],
    message: 'is missing: only a service account needs none',
  })
  .refine((body) => !body.is_service_account || body.password === undefined, {
    path: ['password'],
    message: 'is not for a service account: it has keys',
  });
const patch = z
  .strictObject({
    email: email.optional(),
    display_name: displayName.optional(),
    is_active: z.boolean().optional(),
    password: newPassword.optional(),
    ...levels,
  })
  .refine(bothLevelsAgree.check, bothLevelsAgree.params)
  .refine((body) => Object.keys(body).length > 0, 'holds nothing to change');
const giveLevel = z.strictObject({ level_name: levelName });
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const listQuery = z.strictObject({
  limit: pageSize,
  cursor: rowId.optional(),
  include_inactive: flag.optional(),
});
const list = z.object({ users: z.array(userSchema), total: z.int(), next_cursor: z.int().optional() });
type User = z.infer<typeof userSchema>;

@Controller('api/users')
export class UsersController {
  constructor(
    private readonly manage: ManageUsers,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, list, 'Lists people by id; closed accounts with `include_inactive=true`')
  async list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>): Promise<z.infer<typeof list>> {
    const { limit, cursor: after = 0, include_inactive: includeInactive = false } = query;
    const { rows, total } = await users.page(this.database, { after, limit, includeInactive });
    const last = rows.at(-1);
    return {
      users: rows.map(userView),
      total,
      ...(rows.length === limit && last ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow('admin.users')
  @Answers(
    201,
    userSchema,
    'Makes a user, a researcher unless said otherwise; without a password they cannot log in yet, and a service account never does',
  )
  async create(
    @Who() caller: Principal,
    @Body({ schema: create }) body: z.infer<typeof create>,
  ): Promise<User> {
    const given = {
      username: body.username,
      email: body.email ?? null,
      kind: body.is_service_account ? ('service' as const) : ('person' as const),
      displayName: body.display_name,
      password: body.password,
    };
    const level = levelOf(body) ?? { name: 'researcher', field: 'level' };
    return userView(await this.manage.create(caller, { ...given, level }));
  }

  @Get('me')
  @Allow()
  @Answers(200, userSchema, 'Shows the caller as a person')
  async me(@Who() caller: Principal): Promise<User> {
    return this.#view(caller.user_id);
  }

  @Get(':id')
  @Allow('admin.users')
  @Answers(200, userSchema, 'Shows a person')
  async get(@Param('id', { schema: rowId }) id: number): Promise<User> {
    return this.#view(id);
  }

  @Patch(':id')
  @Allow('admin.users')
  @Answers(200, userSchema, 'Changes a person; a new password or an end of activity ends their sessions')
  async change(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: patch }) body: z.infer<typeof patch>,
  ): Promise<User> {
    const { email: newEmail, display_name, is_active, password } = body;
    const change = {
      email: newEmail,
      displayName: display_name,
      isActive: is_active,
      password,
      level: levelOf(body),
    };
    return userView(await this.manage.change(caller, id, change));
  }

  @Post(':id/levels')
  @Allow('admin.users')
  @Answers(200, userSchema, 'Gives a person this level in the place of the one they had')
  async giveLevel(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: giveLevel }) { level_name: name }: z.infer<typeof giveLevel>,
  ): Promise<User> {
    return userView(await this.manage.change(caller, id, { level: { name, field: 'level_name' } }));
  }

  @Delete(':id')
  @Allow('admin.users')
  @Answers(200, userSchema, 'Closes an account: it stays known by its name, and its sessions and keys end')
  async close(@Who() caller: Principal, @Param('id', { schema: rowId }) id: number): Promise<User> {
    return userView(await this.manage.close(caller, id));
  }

  async #view(id: number): Promise<User> {
    const user = await users.byId(this.database, id);
    if (!user) throw new NotFound('user', id);
    return userView(user);
  }
}
