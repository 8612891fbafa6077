import { Body, Controller, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { Allow, ChangesNothing, requirePermission, Who } from '@lineclear/access';
import { levelName, RESOURCE_TYPES, RULE_ACTIONS, type Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as rules from '../db/resource-rules.repo.js';
import * as users from '../db/users.repo.js';
import { explainRules } from '../people/explain-rules.js';
import { ManageResourceRules, type RuleRequest } from '../people/manage-resource-rules.js';
import { wishedLevel } from '../people/wished-level.js';
import { pageSize, rowId } from './fields.js';
import { explainBody, ruleBody, ruleSchema, ruleView } from './resource-rule-fields.js';

const cursor = z
  .string()
  .regex(/^[0-9]{1,4}\.[1-9][0-9]{0,8}$/, 'is not a cursor')
  .transform((text) => {
    const [priority, id] = text.split('.').map(Number);
    return { priority: priority!, id: id! };
  });
const listQuery = z.strictObject({
  limit: pageSize,
  cursor: cursor.optional(),
  resource_type: z.enum(RESOURCE_TYPES).optional(),
  action: z.enum(RULE_ACTIONS).optional(),
  level: levelName.optional(),
  user_id: rowId.optional(),
});
const list = z.object({ rules: z.array(ruleSchema), total: z.int(), next_cursor: z.string().optional() });
const success = z.object({ success: z.literal(true) });
const explained = z.object({
  user_id: z.int(),
  username: z.string(),
  level: levelName,
  allowed: z.boolean(),
  decisions: z.array(
    z.object({
      resource_type: z.enum(RESOURCE_TYPES),
      value: z.string().nullable(),
      allowed: z.boolean(),
      because: z.enum(['not_asked', 'no_rules', 'allowed_by_rule', 'denied_by_rule', 'no_rule_matches']),
      reason: z.string(),
      /** The rule that decided. */
      rule_id: z.int().nullable(),
      /** Every rule of the person about this type, the most important first. */
      rules: z.array(
        ruleSchema
          .pick({ id: true, name: true, pattern: true, action: true, priority: true })
          .extend({ matches: z.boolean() }),
      ),
    }),
  ),
});
type Rule = z.infer<typeof ruleSchema>;

/** What jobs may take, by level and by person. */
@Controller('api/users/resource-rules')
export class ResourceRulesController {
  constructor(
    private readonly manage: ManageResourceRules,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.users')
  @Answers(200, list, 'Lists the resource rules, the most important first')
  async list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>): Promise<z.infer<typeof list>> {
    const { limit, cursor: after, resource_type: type, action, level: held, user_id: userId } = query;
    if (held !== undefined) await wishedLevel(this.database, { name: held, field: 'level' });
    const { rows, total } = await rules.page(this.database, {
      limit,
      after,
      type,
      action,
      level: held,
      userId,
    });
    const last = rows.at(-1);
    return {
      rules: rows.map(ruleView),
      total,
      ...(rows.length === limit && last ? { next_cursor: `${last.priority}.${last.id}` } : {}),
    };
  }

  @Post()
  @Allow('admin.users')
  @Answers(201, ruleSchema, 'Makes a resource rule, and gives it to levels and people')
  async create(
    @Who() caller: Principal,
    @Body({ schema: ruleBody }) body: z.infer<typeof ruleBody>,
  ): Promise<Rule> {
    return ruleView(await this.manage.create(caller, requestOf(body)));
  }

  @Post('explain')
  @Allow()
  @ChangesNothing()
  @Answers(
    200,
    explained,
    'Says rule by rule what the caller’s job could take; with `user_id` and admin.users, another person’s',
  )
  async explain(
    @Who() caller: Principal,
    @Body({ schema: explainBody }) body: z.infer<typeof explainBody>,
  ): Promise<z.infer<typeof explained>> {
    const { user_id: id = caller.user_id, output_path: outputPath, ...asked } = body;
    if (id !== caller.user_id) requirePermission(caller, 'admin.users');
    const user = await users.byId(this.database, id);
    if (!user) throw new NotFound('user', id);
    const own = await rules.forPerson(this.database, user);
    const { username, level: held } = user;
    return { user_id: id, username, level: held, ...explainRules(own, { ...asked, outputPath }) };
  }

  @Get(':id')
  @Allow('admin.users')
  @Answers(200, ruleSchema, 'Shows a resource rule')
  async get(@Param('id', { schema: rowId }) id: number): Promise<Rule> {
    const rule = await rules.byId(this.database, id);
    if (!rule) throw new NotFound('resource rule', id);
    return ruleView(rule);
  }

  @Put(':id')
  @Allow('admin.users')
  @Answers(200, ruleSchema, 'Writes a resource rule anew; whom it is given to stays unless it is said')
  async change(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: ruleBody }) body: z.infer<typeof ruleBody>,
  ): Promise<Rule> {
    return ruleView(await this.manage.change(caller, id, requestOf(body)));
  }

  @Delete(':id')
  @Allow('admin.users')
  @Answers(200, success, 'Removes a resource rule from everyone')
  async remove(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) id: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.remove(caller, id);
    return { success: true };
  }
}

const requestOf = ({ level_names, user_ids, ...text }: z.infer<typeof ruleBody>): RuleRequest => ({
  ...text,
  levels: level_names,
  userIds: user_ids,
});
