import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { levelName, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as levels from '../db/levels.repo.js';
import { effectivePermissions } from '../domain/permissions.js';
import { ManageLevels } from '../people/manage-levels.js';
import { permission, printable } from './fields.js';
import { levelSchema, levelView } from './level-view.js';

/** Below admin's 100: nobody stands above admins, or beside them. */
const priority = z.int().min(1).max(99);
const description = z.string().trim().max(500).regex(printable, 'holds control characters').default('');
const permissions = z
  .array(permission)
  .max(100)
  .transform((names) => effectivePermissions(names, []));
const create = z.strictObject({
  name: levelName,
  description,
  priority,
  permissions: permissions.default([]),
});
const change = z.strictObject({ description, priority });
const permissionsBody = z.strictObject({ permission_names: permissions });
const removed = z.object({ success: z.literal(true), name: levelName });
type Level = z.infer<typeof levelSchema>;

/** Levels between those that every house has. All of them are listed at `meta/levels`. */
@Controller('api/users/levels')
export class LevelsController {
  constructor(
    private readonly manage: ManageLevels,
    private readonly database: Database,
  ) {}

  @Post()
  @Allow('admin.users')
  @Answers(201, levelSchema, 'Makes a level, with these permissions and a number that no other has')
  async create(
    @Who() caller: Principal,
    @Body({ schema: create }) body: z.infer<typeof create>,
  ): Promise<Level> {
    return levelView(await this.manage.create(caller, body));
  }

  @Get(':name')
  @Allow('admin.users')
  @Answers(200, levelSchema, 'Shows a level')
  async get(@Param('name', { schema: levelName }) name: string): Promise<Level> {
    const level = await levels.byName(this.database, name);
    if (!level) throw new NotFound('level', name);
    return levelView(level);
  }

  @Put(':name')
  @Allow('admin.users')
  @Answers(200, levelSchema, 'Writes a level’s description and number anew; its permissions stay')
  async change(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
    @Body({ schema: change }) body: z.infer<typeof change>,
  ): Promise<Level> {
    return levelView(await this.manage.change(caller, name, body));
  }

  @Put(':name/permissions')
  @Allow('admin.users')
  @Answers(200, levelSchema, 'Gives a level these permissions in place of all it had')
  async setPermissions(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
    @Body({ schema: permissionsBody }) body: z.infer<typeof permissionsBody>,
  ): Promise<Level> {
    return levelView(await this.manage.setPermissions(caller, name, body.permission_names));
  }

  @Delete(':name')
  @Allow('admin.users')
  @Answers(200, removed, 'Removes a level that nobody holds, from resource rules too')
  async remove(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
  ): Promise<z.infer<typeof removed>> {
    await this.manage.remove(caller, name);
    return { success: true, name };
  }
}
