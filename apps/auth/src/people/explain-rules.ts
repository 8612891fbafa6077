import { explain, judge, type Asked, type Decision } from '@lineclear/access';
import type { ResourceRule, ResourceType } from '@lineclear/contracts';
import type { RuleRow } from '../db/resource-rules.repo.js';

export interface ExplainedRule extends Pick<RuleRow, 'id' | 'name' | 'pattern' | 'action' | 'priority'> {
  readonly matches: boolean;
}

interface ExplainedDecision {
  readonly resource_type: ResourceType;
  readonly value: string | null;
  readonly allowed: boolean;
  readonly because: Decision['because'];
  readonly reason: string;
  readonly rule_id: number | null;
  readonly rules: ExplainedRule[];
}

/** What these rules (the most important first) say about a job, by the judge that every submit stands before. */
export function explainRules(
  rows: readonly RuleRow[],
  asked: Asked,
): { readonly allowed: boolean; readonly decisions: ExplainedDecision[] } {
  const { allowed, decisions } = judge(rows.map(carried), asked);
  return {
    allowed,
    decisions: decisions.map((decision) => ({
      resource_type: decision.type,
      value: decision.value ?? null,
      allowed: decision.allowed,
      because: decision.because,
      reason: explain(decision),
      rule_id: decision.rule?.id ?? null,
      rules: rows
        .filter((row) => row.resource_type === decision.type)
        .map(({ id, name, pattern, action, priority }) => ({
          id,
          name,
          pattern,
          action,
          priority,
          matches: decision.matched.some((rule) => rule.id === id),
        })),
    })),
  };
}

const carried = ({ id, name, resource_type: type, pattern, action }: RuleRow): ResourceRule => ({
  id,
  name,
  type,
  pattern,
  action,
});
