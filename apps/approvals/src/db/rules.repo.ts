import type { Queryable, Tx } from '@lineclear/kit';
import { readCondition, thresholdOf, type Condition, type Threshold } from '../domain/condition.js';
import type { Combine, Rule } from '../domain/rule-set.js';
import type { ApprovalRuleRow } from './approval-rule.entity.js';

/** A rule as people set it, with who made it and whether it counts. */
export interface StoredRule extends Rule {
  readonly description: string | null;
  readonly isActive: boolean;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export type RuleSettings = Omit<StoredRule, 'id' | 'createdBy' | 'createdAt' | 'updatedAt'>;

const ROW_LOST = 'the table rules_version has lost its row';
const SETTINGS = `name, description, condition, threshold_number, threshold_text, is_active, priority, applies_to_provider,
  applies_to_level, applies_to_org, applies_to_team, exempt_levels, required_approver_level, stages, rejections`;

const valuesOf = (rule: RuleSettings): unknown[] => {
  const threshold = thresholdOf(rule.condition);
  return [
    rule.name,
    rule.description,
    rule.condition.is,
    typeof threshold === 'number' ? threshold : null,
    typeof threshold === 'string' ? threshold : null,
    rule.isActive,
    rule.priority,
    rule.appliesToProvider,
    rule.appliesToLevel,
    rule.appliesToOrg,
    rule.appliesToTeam,
    rule.exemptLevels,
    rule.requiredLevel,
    JSON.stringify(rule.stages),
    rule.rejections,
  ];
};

/** All rules, in the order in which they are asked. */
export async function listRules(db: Queryable, activeOnly: boolean): Promise<StoredRule[]> {
  const rows = await db.query<ApprovalRuleRow>(
    'select * from approval_rule where is_active or not $1 order by priority desc, id',
    [activeOnly],
  );
  return rows.map(ruleOf);
}

export async function findRule(db: Queryable, id: number): Promise<StoredRule | undefined> {
  const [row] = await db.query<ApprovalRuleRow>('select * from approval_rule where id = $1', [id]);
  return row && ruleOf(row);
}

/** The rule, kept from changing until the transaction ends. */
export async function lockRule(tx: Tx, id: number): Promise<StoredRule | undefined> {
  const [row] = await tx.query<ApprovalRuleRow>('select * from approval_rule where id = $1 for update', [id]);
  return row && ruleOf(row);
}

export async function insertRule(
  tx: Tx,
  rule: RuleSettings,
  by: { id: number; name: string },
  now: Date,
): Promise<StoredRule> {
  const [row] = await tx.query<ApprovalRuleRow>(
    `insert into approval_rule (${SETTINGS}, created_by_id, created_by, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18) returning *`,
    [...valuesOf(rule), by.id, by.name, now],
  );
  return ruleOf(row!);
}

export async function updateRule(tx: Tx, id: number, rule: RuleSettings, now: Date): Promise<StoredRule> {
  const [row] = await tx.query<ApprovalRuleRow>(
    `update approval_rule set (${SETTINGS}, updated_at) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) where id = $1 returning *`,
    [id, ...valuesOf(rule), now],
  );
  return ruleOf(row!);
}

export async function deleteRule(tx: Tx, id: number): Promise<boolean> {
  return (await tx.query('delete from approval_rule where id = $1 returning id', [id])).length > 0;
}

/** How many active rules look at this. */
export async function countActive(db: Queryable, condition: Condition['is']): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'select count(*) as count from approval_rule where is_active and condition = $1',
    [condition],
  );
  return row?.count ?? 0;
}

/** How many active rules have stages of their own. */
export async function countActiveWithStages(db: Queryable): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `select count(*) as count from approval_rule where is_active and stages <> '[]'`,
  );
  return row?.count ?? 0;
}

export async function combineOf(db: Queryable): Promise<Combine> {
  const [row] = await db.query<{ combine: Combine }>('select combine from rules_version');
  if (!row) throw new Error(ROW_LOST);
  return row.combine;
}

export async function setCombine(tx: Tx, combine: Combine): Promise<void> {
  await tx.query('update rules_version set combine = $1', [combine]);
}

/** Says that the rules changed, to be called in the transaction of the change. */
export async function raiseRulesVersion(tx: Tx): Promise<void> {
  await tx.query('update rules_version set version = version + 1');
}

/** The rules' version, and the active rules of just that version where it is not `known` already. */
export async function rulesSince(
  db: Queryable,
  known: number,
): Promise<{ version: number; combine: Combine; rules: Rule[] | undefined }> {
  // One statement, so one snapshot: version and rules belong together.
  const [row] = await db.query<{ version: number; combine: Combine; rules: ApprovalRuleRow[] | null }>(
    `select version, combine, case when version <> $1 then
       (select coalesce(json_agg(rule), '[]') from approval_rule rule where is_active) end as rules
     from rules_version`,
    [known],
  );
  if (!row) throw new Error(ROW_LOST);
  return { version: row.version, combine: row.combine, rules: row.rules?.map(ruleOf) };
}

function ruleOf(row: ApprovalRuleRow): StoredRule {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    condition: conditionOf(row.condition, row.threshold_number ?? row.threshold_text, row.id),
    isActive: row.is_active,
    priority: row.priority,
    appliesToProvider: row.applies_to_provider,
    appliesToLevel: row.applies_to_level,
    appliesToOrg: row.applies_to_org,
    appliesToTeam: row.applies_to_team,
    exemptLevels: row.exempt_levels,
    requiredLevel: row.required_approver_level,
    stages: row.stages,
    rejections: row.rejections,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Only what was checked is stored; should that ever not hold, evaluating stops, and nothing passes unjudged. */
function conditionOf(name: Condition['is'], threshold: Threshold, id: number): Condition {
  const condition = readCondition(name, threshold);
  if ('wrong' in condition) throw new Error(`approval rule ${id}: its threshold ${condition.wrong}`);
  return condition;
}
