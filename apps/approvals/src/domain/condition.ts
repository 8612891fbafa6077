import { fields } from '@lineclear/contracts';
import { compileExpression, ExpressionError, MAX_EXPRESSION_LENGTH } from './expression.js';
import { PatternError } from './linear-matcher.js';
import { compileGlob, compilePattern } from './pattern.js';

/** What a rule may look at, each with what it does and what its threshold is. */
export const CONDITIONS = {
  cost_exceeds: 'Holds a job whose estimated cost is more than the threshold (US dollars)',
  hardware_type: 'Holds a job whose hardware matches the threshold (a glob such as a100*)',
  daily_jobs_exceed:
    'Holds a job that makes its user submit more than the threshold (a number of jobs) within 24 hours',
  first_job: "Holds a user's very first job; takes no threshold",
  config_pattern:
    'Holds a job whose config name matches the threshold (a glob, or a regular expression when it starts with ^ or ends with $)',
  provider: 'Holds a job for the provider that the threshold names',
  expression:
    'Holds a job that the threshold is true of (an expression in CEL, such as job.estimated_cost_usd > 50.0 && job.hardware.startsWith("a100"))',
} as const;
export type ConditionName = keyof typeof CONDITIONS;
export const CONDITION_NAMES = Object.keys(CONDITIONS) as [ConditionName, ...ConditionName[]];

/** A condition with its threshold, typed. */
export type Condition =
  | { readonly is: 'cost_exceeds'; readonly thresholdUsd: number }
  | { readonly is: 'daily_jobs_exceed'; readonly thresholdJobs: number }
  | { readonly is: 'hardware_type' | 'config_pattern'; readonly pattern: string }
  | { readonly is: 'provider'; readonly provider: string }
  | { readonly is: 'expression'; readonly expression: string }
  | { readonly is: 'first_job' };

export type Threshold = string | number | null;
const MAX_PATTERN_LENGTH = 200;
const MAX_COST_USD = 1_000_000_000;
const MAX_DAILY_JOBS = 1_000_000;

/** The condition these two make, or, as `wrong`, what is wrong with the threshold. */
export function readCondition(
  name: ConditionName,
  given: Threshold | undefined,
): Condition | { readonly wrong: string } {
  const threshold = typeof given === 'string' ? given.trim() : given;
  const missing = threshold === undefined || threshold === null || threshold === '';
  if (name === 'first_job')
    return missing ? { is: name } : { wrong: 'is not used by first_job: leave it out' };
  if (missing) return { wrong: `is needed by ${name}` };
  switch (name) {
    case 'cost_exceeds':
      return readCost(threshold);
    case 'daily_jobs_exceed':
      return readCount(threshold);
    case 'provider':
      if (!fields.provider.safeParse(threshold).success) return { wrong: 'is not a provider name' };
      return { is: name, provider: String(threshold) };
    case 'hardware_type':
    case 'config_pattern':
      return readPattern(name, String(threshold));
    case 'expression':
      return readExpression(String(threshold));
  }
}

function readCost(threshold: string | number): Condition | { readonly wrong: string } {
  const usd =
    typeof threshold === 'number'
      ? threshold
      : /^\d{1,10}(\.\d{1,4})?$/.test(threshold)
        ? Number(threshold)
        : NaN;
  // `!(…)`: NaN is in no range.
  if (!(usd >= 0 && usd <= MAX_COST_USD))
    return { wrong: 'must be an amount of US dollars, such as 50 or "49.99"' };
  return { is: 'cost_exceeds', thresholdUsd: inCentHundredths(usd) / 10_000 };
}

function readCount(threshold: string | number): Condition | { readonly wrong: string } {
  const jobs =
    typeof threshold === 'number' ? threshold : /^\d{1,7}$/.test(threshold) ? Number(threshold) : NaN;
  if (!(Number.isInteger(jobs) && jobs >= 0 && jobs <= MAX_DAILY_JOBS))
    return { wrong: 'must be a whole number of jobs' };
  return { is: 'daily_jobs_exceed', thresholdJobs: jobs };
}

function readPattern(
  name: 'hardware_type' | 'config_pattern',
  pattern: string,
): Condition | { readonly wrong: string } {
  if (pattern.length > MAX_PATTERN_LENGTH)
    return { wrong: `is longer than ${MAX_PATTERN_LENGTH} characters` };
  try {
    (name === 'hardware_type' ? compileGlob : compilePattern)(pattern);
  } catch (error) {
    if (error instanceof PatternError) return { wrong: error.message };
    throw error;
  }
  return { is: name, pattern };
}

function readExpression(expression: string): Condition | { readonly wrong: string } {
  if (expression.length > MAX_EXPRESSION_LENGTH)
    return { wrong: `is longer than ${MAX_EXPRESSION_LENGTH} characters` };
  try {
    compileExpression(expression);
  } catch (error) {
    if (error instanceof ExpressionError) return { wrong: error.message };
    throw error;
  }
  return { is: 'expression', expression };
}

/** The threshold as it is shown and stored. */
export function thresholdOf(condition: Condition): Threshold {
  switch (condition.is) {
    case 'cost_exceeds':
      return condition.thresholdUsd;
    case 'daily_jobs_exceed':
      return condition.thresholdJobs;
    case 'provider':
      return condition.provider;
    case 'hardware_type':
    case 'config_pattern':
      return condition.pattern;
    case 'expression':
      return condition.expression;
    case 'first_job':
      return null;
  }
}

/** Money in whole hundredths of a cent, so that comparisons see no rounding dust. */
export const inCentHundredths = (usd: number): number => Math.round(usd * 10_000);
