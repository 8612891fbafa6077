import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { LEVELS, type Level, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as rules from '../db/resource-rules.repo.js';
import { ManageResourceRules } from '../people/manage-resource-rules.js';
import { rowId } from './fields.js';
import { ruleIdsBody, ruleSchema, ruleView } from './resource-rule-fields.js';

const levelName = z.string().regex(/^[a-z0-9_-]{1,40}$/, 'is not the name of a level');
const list = z.object({ level: z.enum(LEVELS), rules: z.array(ruleSchema), total: z.int() });
type List = z.infer<typeof list>;

/** The resource rules of a level. */
@Controller('api/users/levels/:level/rules')
export class LevelRulesController {
  constructor(
    private readonly manage: ManageResourceRules,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, list, 'Lists the resource rules of a level, the most important first')
  async list(@Param('level', { schema: levelName }) name: string): Promise<List> {
    const level = levelOf(name);
    return view(level, await rules.ofLevel(this.database, level));
  }

  @Put()
  @Allow('admin.users')
  @Answers(200, list, 'Gives a level these resource rules in place of all it had')
  async set(
    @Who() caller: Principal,
    @Param('level', { schema: levelName }) name: string,
    @Body({ schema: ruleIdsBody }) body: z.infer<typeof ruleIdsBody>,
  ): Promise<List> {
    const level = levelOf(name);
    return view(level, await this.manage.setRulesOf(caller, level, body.rule_ids));
  }

  @Post(':rule')
  @Allow('admin.users')
  @Answers(200, list, 'Gives a level one more resource rule')
  async give(
    @Who() caller: Principal,
    @Param('level', { schema: levelName }) name: string,
    @Param('rule', { schema: rowId }) rule: number,
  ): Promise<List> {
    const level = levelOf(name);
    return view(level, await this.manage.giveTo(caller, level, rule));
  }

  @Delete(':rule')
  @Allow('admin.users')
  @Answers(200, list, 'Takes a resource rule from a level')
  async take(
    @Who() caller: Principal,
    @Param('level', { schema: levelName }) name: string,
    @Param('rule', { schema: rowId }) rule: number,
  ): Promise<List> {
    const level = levelOf(name);
    return view(level, await this.manage.takeFrom(caller, level, rule));
  }
}

/** @throws NotFound */
function levelOf(name: string): Level {
  const level = LEVELS.find((known) => known === name);
  if (!level) throw new NotFound('level', name);
  return level;
}

const view = (level: Level, rows: readonly rules.RuleRow[]): List => ({
  level,
  rules: rows.map(ruleView),
  total: rows.length,
});
