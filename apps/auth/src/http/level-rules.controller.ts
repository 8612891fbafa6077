import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { levelName, type Level, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as levels from '../db/levels.repo.js';
import * as rules from '../db/resource-rules.repo.js';
import { ManageResourceRules } from '../people/manage-resource-rules.js';
import { rowId } from './fields.js';
import { ruleIdsBody, ruleSchema, ruleView } from './resource-rule-fields.js';

const list = z.object({ level: levelName, rules: z.array(ruleSchema), total: z.int() });
type List = z.infer<typeof list>;

/** The resource rules of a level. */
@Controller('api/users/levels/:name/rules')
export class LevelRulesController {
  constructor(
    private readonly manage: ManageResourceRules,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, list, 'Lists the resource rules of a level, the most important first')
  async list(@Param('name', { schema: levelName }) name: string): Promise<List> {
    if (!(await levels.byName(this.database, name))) throw new NotFound('level', name);
    return view(name, await rules.ofLevel(this.database, name));
  }

  @Put()
  @Allow('admin.users')
  @Answers(200, list, 'Gives a level these resource rules in place of all it had')
  async set(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
    @Body({ schema: ruleIdsBody }) body: z.infer<typeof ruleIdsBody>,
  ): Promise<List> {
    return view(name, await this.manage.setRulesOf(caller, name, body.rule_ids));
  }

  @Post(':rule')
  @Allow('admin.users')
  @Answers(200, list, 'Gives a level one more resource rule')
  async give(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
    @Param('rule', { schema: rowId }) rule: number,
  ): Promise<List> {
    return view(name, await this.manage.giveTo(caller, name, rule));
  }

  @Delete(':rule')
  @Allow('admin.users')
  @Answers(200, list, 'Takes a resource rule from a level')
  async take(
    @Who() caller: Principal,
    @Param('name', { schema: levelName }) name: string,
    @Param('rule', { schema: rowId }) rule: number,
  ): Promise<List> {
    return view(name, await this.manage.takeFrom(caller, name, rule));
  }
}

const view = (level: Level, rows: readonly rules.RuleRow[]): List => ({
  level,
  rules: rows.map(ruleView),
  total: rows.length,
});
