import {
  fields,
  levelName,
  MAX_APPROVALS,
  MAX_LEVELS,
  MAX_STAGES,
  type Level,
  type Principal,
} from '@lineclear/contracts';
import { BadInput } from '@lineclear/kit';
import { z } from 'zod';
import {
  CONDITION_NAMES,
  readCondition,
  thresholdOf,
  type Condition,
  type ConditionName,
  type Threshold,
} from '../domain/condition.js';
import { MAX_EXPRESSION_LENGTH } from '../domain/expression.js';
import type { RuleSettings, StoredRule } from '../db/rules.repo.js';

const name = z.string().trim().min(1).max(120);
const description = z.string().max(1_000).nullable();
const condition = z.enum(CONDITION_NAMES);
const threshold = z
  .union([z.string().max(MAX_EXPRESSION_LENGTH), z.number()], { error: 'must be a text or a number' })
  .nullable();
const priority = z.int().min(-1_000_000).max(1_000_000);
// What a column of ids can hold.
const rowId = z.int().min(1).max(2_147_483_647);
const exemptLevels = z.array(levelName).max(MAX_LEVELS);

/** One after the other: how many different people, of which level (the rule's own when not given) and team. */
const stage = z.strictObject({
  name: z.string().trim().min(1).max(60).optional(),
  approvals: z.int().min(1).max(MAX_APPROVALS).default(1),
  level: levelName.optional(),
  team_id: rowId.optional(),
});
const stages = z.array(stage).max(MAX_STAGES);
const rejections = z.int().min(1).max(MAX_APPROVALS);

export const newRule = z.strictObject({
  name,
  description: description.default(null),
  condition,
  threshold: threshold.optional(),
  is_active: z.boolean().default(true),
  priority: priority.default(0),
  applies_to_provider: fields.provider.nullable().default(null),
  applies_to_level: levelName.nullable().default(null),
  applies_to_org: rowId.nullable().default(null),
  applies_to_team: rowId.nullable().default(null),
  exempt_levels: exemptLevels.default([]),
  required_approver_level: levelName.default('lead'),
  stages: stages.default([]),
  rejections: rejections.default(1),
});

export const ruleChange = z.strictObject({
  name: name.optional(),
  description: description.optional(),
  condition: condition.optional(),
  threshold: threshold.optional(),
  is_active: z.boolean().optional(),
  priority: priority.optional(),
  applies_to_provider: fields.provider.nullable().optional(),
  applies_to_level: levelName.nullable().optional(),
  applies_to_org: rowId.nullable().optional(),
  applies_to_team: rowId.nullable().optional(),
  exempt_levels: exemptLevels.optional(),
  required_approver_level: levelName.optional(),
  stages: stages.optional(),
  rejections: rejections.optional(),
});

export const ruleAnswer = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string().nullable(),
  condition,
  threshold,
  is_active: z.boolean(),
  priority: z.int(),
  applies_to_provider: z.string().nullable(),
  applies_to_level: levelName.nullable(),
  applies_to_org: z.int().nullable(),
  applies_to_team: z.int().nullable(),
  exempt_levels: z.array(levelName),
  required_approver_level: levelName,
  stages,
  rejections: z.int(),
  created_by: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

export const showRule = (rule: StoredRule): z.infer<typeof ruleAnswer> => ({
  id: rule.id,
  name: rule.name,
  description: rule.description,
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
  stages: [...rule.stages],
  rejections: rule.rejections,
  created_by: rule.createdBy,
  created_at: rule.createdAt.toISOString(),
  updated_at: rule.updatedAt.toISOString(),
});

/** @throws BadInput naming `threshold`, after `path` */
export const settingsOf = (body: z.infer<typeof newRule>, path = ''): RuleSettings => ({
  name: body.name,
  description: body.description,
  condition: conditionOrRefuse(body.condition, body.threshold, path),
  isActive: body.is_active,
  priority: body.priority,
  appliesToProvider: body.applies_to_provider,
  appliesToLevel: body.applies_to_level,
  appliesToOrg: body.applies_to_org,
  appliesToTeam: body.applies_to_team,
  exemptLevels: [...new Set(body.exempt_levels)],
  requiredLevel: body.required_approver_level,
  stages: body.stages,
  rejections: body.rejections,
});

/** The rule's settings with these changed. @throws BadInput naming `threshold` where it does not fit the condition (any more) */
export const changedSettings = (rule: StoredRule, change: z.infer<typeof ruleChange>): RuleSettings => ({
  name: change.name ?? rule.name,
  description: change.description === undefined ? rule.description : change.description,
  condition: changedCondition(rule.condition, change.condition, change.threshold),
  isActive: change.is_active ?? rule.isActive,
  priority: change.priority ?? rule.priority,
  appliesToProvider:
    change.applies_to_provider === undefined ? rule.appliesToProvider : change.applies_to_provider,
  appliesToLevel: change.applies_to_level === undefined ? rule.appliesToLevel : change.applies_to_level,
  appliesToOrg: change.applies_to_org === undefined ? rule.appliesToOrg : change.applies_to_org,
  appliesToTeam: change.applies_to_team === undefined ? rule.appliesToTeam : change.applies_to_team,
  exemptLevels: change.exempt_levels ? [...new Set(change.exempt_levels)] : rule.exemptLevels,
  requiredLevel: change.required_approver_level ?? rule.requiredLevel,
  stages: change.stages ?? rule.stages,
  rejections: change.rejections ?? rule.rejections,
});

type NamedLevels = Pick<
  z.infer<typeof ruleChange>,
  'applies_to_level' | 'exempt_levels' | 'required_approver_level' | 'stages'
>;

/** Nobody sets a rule about a level that is above theirs, or that is not there. @throws BadInput naming the field */
export function refuseBeyond({ reaches }: Principal, rule: NamedLevels): void {
  const named: [field: string, level: Level | null | undefined][] = [
    ['applies_to_level', rule.applies_to_level],
    ...(rule.exempt_levels ?? []).map((level, n): [string, Level] => [`exempt_levels.${n}`, level]),
    ['required_approver_level', rule.required_approver_level],
    ...(rule.stages ?? []).map(({ level }, n): [string, Level | undefined] => [`stages.${n}.level`, level]),
  ];
  const beyond = named.filter(([, level]) => level != null && !reaches.includes(level));
  if (beyond.length > 0)
    throw new BadInput(beyond.map(([path]) => ({ path, message: 'is not a level that you reach' })));
}

function changedCondition(
  now: Condition,
  changed: ConditionName | undefined,
  threshold: Threshold | undefined,
): Condition {
  if (changed === undefined && threshold === undefined) return now;
  const is = changed ?? now.is;
  // Another condition reads its threshold differently, so the old one does not carry over.
  return conditionOrRefuse(is, threshold === undefined && is === now.is ? thresholdOf(now) : threshold);
}

function conditionOrRefuse(is: ConditionName, given: Threshold | undefined, path = ''): Condition {
  const read = readCondition(is, given);
  if ('wrong' in read) throw BadInput.at(`${path}threshold`, read.wrong);
  return read;
}
