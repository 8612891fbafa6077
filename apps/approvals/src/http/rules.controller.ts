import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, audited, differences, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { MAX_RULES_WITH_STAGES, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { z } from 'zod';
import { CurrentRules } from '../current-rules.js';
import {
  countActive,
  countActiveWithStages,
  deleteRule,
  findRule,
  insertRule,
  listRules,
  lockRule,
  updateRule,
  type StoredRule,
} from '../db/rules.repo.js';
import { CONDITIONS, CONDITION_NAMES, thresholdOf } from '../domain/condition.js';
import {
  changedSettings,
  newRule,
  refuseBeyond,
  ruleAnswer,
  ruleChange,
  settingsOf,
  showRule,
} from './rule-wire.js';

const ruleId = z.coerce.number().int().min(1).max(2_147_483_647);
const listQuery = z.strictObject({ active_only: z.enum(['true', 'false']).default('false') });
const conditionsAnswer = z.object({
  conditions: z.array(z.object({ value: z.enum(CONDITION_NAMES), description: z.string() })),
});

/** Each is evaluated for each job, in some 20 µs. */
const MAX_EXPRESSIONS = 100;

type Rule = z.infer<typeof ruleAnswer>;

/** Which jobs have to ask first. Approvers see the rules; only who may configure the house changes them. */
@Controller('api/approvals')
export class RulesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly rules: CurrentRules,
    private readonly clock: Clock,
  ) {}

  @Get('conditions')
  @Allow('admin.approve')
  @Answers(200, conditionsAnswer, 'Lists what a rule may look at')
  conditions(): z.infer<typeof conditionsAnswer> {
    return { conditions: CONDITION_NAMES.map((value) => ({ value, description: CONDITIONS[value] })) };
  }

  @Get('rules')
  @Allow('admin.approve')
  @Answers(
    200,
    z.object({ rules: z.array(ruleAnswer), total: z.int() }),
    'Lists the rules in the order in which they are asked',
  )
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<{ rules: Rule[]; total: number }> {
    const rules = await listRules(this.database, query.active_only === 'true');
    return { rules: rules.map(showRule), total: rules.length };
  }

  @Post('rules')
  @Allow('admin.config')
  @Answers(201, ruleAnswer, 'Sets up a rule; it holds from the next submitted job on')
  async create(
    @Body({ schema: newRule }) body: z.infer<typeof newRule>,
    @Who() who: Principal,
  ): Promise<Rule> {
    refuseBeyond(who, body);
    const settings = settingsOf(body);
    const rule = await this.database.tx(async (tx) => {
      const inserted = await insertRule(
        tx,
        settings,
        { id: who.user_id, name: who.username },
        this.clock.now(),
      );
      await this.#changedIn(tx, inserted);
      const entry = audited('approval_rule.created', {
        target: targetOf(inserted.id),
        details: told(inserted),
      });
      await this.bus.publish(tx, entry);
      return inserted;
    });
    return showRule(rule);
  }

  @Get('rules/:id')
  @Allow('admin.approve')
  @Answers(200, ruleAnswer, 'Shows a rule')
  async show(@Param('id', { schema: ruleId }) id: number): Promise<Rule> {
    const rule = await findRule(this.database, id);
    if (!rule) throw new NotFound('approval rule', id);
    return showRule(rule);
  }

  @Patch('rules/:id')
  @Allow('admin.config')
  @Answers(200, ruleAnswer, 'Changes what is named of a rule; requests that it opened stay as they are')
  async change(
    @Param('id', { schema: ruleId }) id: number,
    @Body({ schema: ruleChange }) body: z.infer<typeof ruleChange>,
    @Who() who: Principal,
  ): Promise<Rule> {
    refuseBeyond(who, body);
    const rule = await this.database.tx(async (tx) => {
      const found = await lockRule(tx, id);
      if (!found) throw new NotFound('approval rule', id);
      const updated = await updateRule(tx, id, changedSettings(found, body), this.clock.now());
      await this.#changedIn(tx, updated);
      const details = differences(told(found), told(updated), TOLD);
      await this.bus.publish(tx, audited('approval_rule.changed', { target: targetOf(id), details }));
      return updated;
    });
    return showRule(rule);
  }

  @Delete('rules/:id')
  @Allow('admin.config')
  @Answers(200, z.object({ deleted: z.int() }), 'Removes a rule; requests that it opened stay as they are')
  async remove(@Param('id', { schema: ruleId }) id: number): Promise<{ deleted: number }> {
    await this.database.tx(async (tx) => {
      const found = await lockRule(tx, id);
      if (!found || !(await deleteRule(tx, id))) throw new NotFound('approval rule', id);
      await this.rules.changedIn(tx);
      const details = { name: found.name };
      await this.bus.publish(tx, audited('approval_rule.removed', { target: targetOf(id), details }));
    });
    return { deleted: id };
  }

  async #changedIn(tx: Tx, { condition, isActive, stages }: StoredRule): Promise<void> {
    // One change at a time from here on, so that what is counted stays so.
    await this.rules.changedIn(tx);
    if (isActive && condition.is === 'expression' && (await countActive(tx, 'expression')) > MAX_EXPRESSIONS)
      throw new Conflict(`there are ${MAX_EXPRESSIONS} active rules with an expression, and no more may be`);
    if (isActive && stages.length > 0 && (await countActiveWithStages(tx)) > MAX_RULES_WITH_STAGES)
      throw new Conflict(`there are ${MAX_RULES_WITH_STAGES} active rules with stages, and no more may be`);
  }
}

const targetOf = (id: number): string => `approval_rule/${id}`;

const TOLD = [
  'name',
  'condition',
  'threshold',
  'is_active',
  'priority',
  'applies_to_provider',
  'applies_to_level',
  'applies_to_org',
  'applies_to_team',
  'exempt_levels',
  'required_approver_level',
  'stages',
  'rejections',
] as const;

/** A rule as the audit log is told of it. */
const told = (
  rule: StoredRule,
): Record<(typeof TOLD)[number], string | number | boolean | null | string[]> => ({
  name: rule.name,
  condition: rule.condition.is,
  threshold: thresholdOf(rule.condition),
  is_active: rule.isActive,
  priority: rule.priority,
  applies_to_provider: rule.appliesToProvider,
  applies_to_level: rule.appliesToLevel,
  applies_to_org: rule.appliesToOrg,
  applies_to_team: rule.appliesToTeam,
  exempt_levels: [...rule.exemptLevels],
  required_approver_level: rule.requiredLevel,
  stages: rule.stages.map((stage) => JSON.stringify(stage)),
  rejections: rule.rejections,
});
