import { z } from 'zod';

/** What a job takes that rules may be about. */
export const RESOURCE_TYPES = ['config', 'hardware', 'provider', 'output_path'] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];
export const RULE_ACTIONS = ['allow', 'deny'] as const;

/** How many rules there may be at all, so that a principal with every one of them still fits into a message. */
export const MAX_RESOURCE_RULES = 500;
export const MAX_RULE_PATTERN_LENGTH = 200;

/** A rule as it travels with the people that it is about: what decides, and what a refusal calls it. */
export const resourceRule = z.object({
  id: z.int().min(1),
  name: z.string().min(1).max(100),
  type: z.enum(RESOURCE_TYPES),
  pattern: z.string().min(1).max(MAX_RULE_PATTERN_LENGTH),
  action: z.enum(RULE_ACTIONS),
});
export type ResourceRule = z.infer<typeof resourceRule>;
