import { patternFault } from '@lineclear/access';
import {
  fields,
  levelName,
  MAX_LEVELS,
  MAX_RESOURCE_RULES,
  MAX_RULE_PATTERN_LENGTH,
  RESOURCE_TYPES,
  RULE_ACTIONS,
} from '@lineclear/contracts';
import { z } from 'zod';
import type { RuleRow } from '../db/resource-rules.repo.js';
import { bodyId as id, keyName } from './fields.js';

const MAX_NAMED_USERS = 100;
const eachOnce = {
  check: (list: readonly unknown[]): boolean => new Set(list).size === list.length,
  message: 'names one twice',
};

/** A rule as its author gives it. */
export const ruleBody = z
  .strictObject({
    name: keyName,
    resource_type: z.enum(RESOURCE_TYPES),
    pattern: z
      .string()
      .min(1)
      .max(MAX_RULE_PATTERN_LENGTH)
      .regex(/^\P{Cc}*$/u, 'holds control characters'),
    action: z.enum(RULE_ACTIONS),
    priority: z.int().min(0).max(1_000).default(100),
    description: z.string().trim().max(500).default(''),
    /** The levels that it is given to. A change that says nothing of them leaves them as they are. */
    level_names: z.array(levelName).max(MAX_LEVELS).refine(eachOnce.check, eachOnce.message).optional(),
    /** The people that it is given to besides. */
    user_ids: z.array(id).max(MAX_NAMED_USERS).refine(eachOnce.check, eachOnce.message).optional(),
  })
  .superRefine(({ resource_type, pattern }, context) => {
    const fault = patternFault(resource_type, pattern);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['pattern'], message: fault });
  });

export const ruleIdsBody = z.strictObject({
  rule_ids: z.array(id).max(MAX_RESOURCE_RULES).refine(eachOnce.check, eachOnce.message),
});

/** What a job would take, and who would submit it. */
export const explainBody = z.strictObject({
  user_id: id.optional(),
  config: fields.configName.optional(),
  hardware: fields.hardware.optional(),
  provider: fields.provider.optional(),
  output_path: z.string().min(1).max(1_000).optional(),
});

export const ruleSchema = z.object({
  id: z.int(),
  name: z.string(),
  resource_type: z.enum(RESOURCE_TYPES),
  pattern: z.string(),
  action: z.enum(RULE_ACTIONS),
  priority: z.int(),
  description: z.string(),
  level_names: z.array(levelName),
  user_ids: z.array(z.int()),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

/** A rule as the API shows it. */
export const ruleView = (rule: RuleRow): z.infer<typeof ruleSchema> => ({
  id: rule.id,
  name: rule.name,
  resource_type: rule.resource_type,
  pattern: rule.pattern,
  action: rule.action,
  priority: rule.priority,
  description: rule.description,
  level_names: [...rule.levels],
  user_ids: [...rule.user_ids],
  created_at: rule.created_at.toISOString(),
  updated_at: rule.updated_at.toISOString(),
});
