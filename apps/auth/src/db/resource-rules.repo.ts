import type { Level, ResourceRule, ResourceType } from '@lineclear/contracts';
import { Conflict, type Queryable, type Tx } from '@lineclear/kit';

/** A rule as it is kept, with whom it is given to. */
export interface RuleRow {
  readonly id: number;
  readonly name: string;
  readonly resource_type: ResourceType;
  readonly pattern: string;
  readonly action: ResourceRule['action'];
  readonly priority: number;
  readonly description: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly levels: readonly Level[];
  readonly user_ids: readonly number[];
}

const RULE = `select r.id, r.name, r.resource_type, r.pattern, r.action, r.priority, r.description, r.created_at, r.updated_at,
  array(select l.name from resource_rule_levels g join levels l on l.name = g.level where g.rule_id = r.id order by l.priority) as levels,
  array(select u.user_id from resource_rule_users u where u.rule_id = r.id order by u.user_id) as user_ids
  from resource_rules r`;
const MOST_IMPORTANT_FIRST = 'order by r.priority desc, r.id';

/** The ids of the rules of somebody of this level: given as the SQL of the level and of the person's id. */
const idsFor = (level: string, userId: string): string =>
  `select rule_id from resource_rule_levels where level = ${level} union select rule_id from resource_rule_users where user_id = ${userId}`;

/** SQL for the rules of a person, `u`, as a principal carries them; null when there are none. */
export const RULES_OF_PERSON = `(select json_agg(json_build_object(
    'id', r.id, 'name', r.name, 'type', r.resource_type, 'pattern', r.pattern, 'action', r.action) ${MOST_IMPORTANT_FIRST})
  from resource_rules r where r.id in (${idsFor('u.level', 'u.id')}))`;

export async function byId(on: Queryable, id: number): Promise<RuleRow | undefined> {
  const [row] = await on.query<RuleRow>(`${RULE} where r.id = $1`, [id]);
  return row;
}

/** All rules for a person of this level, the most important first. */
export const forPerson = (
  on: Queryable,
  { id, level }: { readonly id: number; readonly level: Level },
): Promise<RuleRow[]> =>
  on.query<RuleRow>(`${RULE} where r.id in (${idsFor('$1', '$2')}) ${MOST_IMPORTANT_FIRST}`, [level, id]);

/** The rules that are given to a level, the most important first. */
export const ofLevel = (on: Queryable, level: Level): Promise<RuleRow[]> =>
  on.query<RuleRow>(
    `${RULE} where r.id in (select rule_id from resource_rule_levels where level = $1) ${MOST_IMPORTANT_FIRST}`,
    [level],
  );

export interface RuleQuery {
  readonly after: { readonly priority: number; readonly id: number } | undefined;
  readonly limit: number;
  readonly type?: ResourceType | undefined;
  readonly action?: ResourceRule['action'] | undefined;
  readonly level?: Level | undefined;
  readonly userId?: number | undefined;
}

const WANTED = `($1::text is null or r.resource_type = $1) and ($2::text is null or r.action = $2)
  and ($3::text is null or exists (select from resource_rule_levels l where l.rule_id = r.id and l.level = $3))
  and ($4::integer is null or exists (select from resource_rule_users u where u.rule_id = r.id and u.user_id = $4))`;

export async function page(
  on: Queryable,
  query: RuleQuery,
): Promise<{ readonly rows: readonly RuleRow[]; readonly total: number }> {
  const wanted = [query.type, query.action, query.level, query.userId].map((value) => value ?? null);
  const { after } = query;
  const [rows, counts] = await Promise.all([
    on.query<RuleRow>(
      `${RULE} where ${WANTED} and ($5::integer is null or (-r.priority, r.id) > (-$5::integer, $6::integer))
       ${MOST_IMPORTANT_FIRST} limit $7`,
      [...wanted, after?.priority ?? null, after?.id ?? null, query.limit],
    ),
    on.query<{ total: number }>(`select count(*) as total from resource_rules r where ${WANTED}`, wanted),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

export async function count(on: Queryable): Promise<number> {
  const [row] = await on.query<{ rules: number }>('select count(*) as rules from resource_rules');
  return row?.rules ?? 0;
}

/** What the author of a rule says of it. */
export type RuleText = Pick<
  RuleRow,
  'name' | 'resource_type' | 'pattern' | 'action' | 'priority' | 'description'
>;
const values = (rule: RuleText): unknown[] => [
  rule.name,
  rule.resource_type,
  rule.pattern,
  rule.action,
  rule.priority,
  rule.description,
];

export async function insert(tx: Tx, rule: RuleText, now: Date): Promise<number> {
  const [row] = await tx.query<{ id: number }>(
    `insert into resource_rules (name, resource_type, pattern, action, priority, description, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7) returning id`,
    [...values(rule), now],
  );
  return row!.id;
}

export async function update(tx: Tx, id: number, rule: RuleText, now: Date): Promise<void> {
  await tx.query(
    `update resource_rules set name = $2, resource_type = $3, pattern = $4, action = $5, priority = $6, description = $7,
       updated_at = $8 where id = $1`,
    [id, ...values(rule), now],
  );
}

export async function remove(tx: Tx, id: number): Promise<void> {
  await tx.query('delete from resource_rules where id = $1', [id]);
}

/** Gives the rule to these levels and no others. */
export async function setLevels(tx: Tx, id: number, levels: readonly Level[]): Promise<void> {
  await tx.query('delete from resource_rule_levels where rule_id = $1 and level <> all($2::text[])', [
    id,
    levels,
  ]);
  await tx.query(
    'insert into resource_rule_levels (rule_id, level) select $1, unnest($2::text[]) on conflict do nothing',
    [id, levels],
  );
}

/** Gives the rule to these people and no others. */
export async function setUsers(tx: Tx, id: number, userIds: readonly number[]): Promise<void> {
  await tx.query('delete from resource_rule_users where rule_id = $1 and user_id <> all($2::integer[])', [
    id,
    userIds,
  ]);
  await tx.query(
    'insert into resource_rule_users (rule_id, user_id) select $1, unnest($2::integer[]) on conflict do nothing',
    [id, userIds],
  );
}

/** Gives the level these rules and no others. */
export async function setRulesOf(tx: Tx, level: Level, ruleIds: readonly number[]): Promise<void> {
  await tx.query('delete from resource_rule_levels where level = $1 and rule_id <> all($2::integer[])', [
    level,
    ruleIds,
  ]);
  await tx.query(
    'insert into resource_rule_levels (rule_id, level) select unnest($2::integer[]), $1 on conflict do nothing',
    [level, ruleIds],
  );
}

/** Those of these ids that no rule has. */
export async function unknownOf(on: Queryable, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await on.query<{ id: number }>('select id from resource_rules where id = any($1::integer[])', [
    ids,
  ]);
  const found = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => !found.has(id)));
}

/** A level, or a person, with more rules than this; of one person only, if one is named. */
export async function anyoneWithMoreThan(
  on: Queryable,
  most: number,
  userId?: number,
): Promise<{ readonly level: Level } | { readonly username: string } | undefined> {
  const [level] = await on.query<{ level: Level }>(
    'select level from resource_rule_levels group by level having count(*) > $1 limit 1',
    [most],
  );
  if (level && userId === undefined) return level;
  const [person] = await on.query<{ username: string }>(
    `select u.username from users u where u.id in (select user_id from resource_rule_users) and ($2::integer is null or u.id = $2)
       and (select count(*) from (${idsFor('u.level', 'u.id')}) rules) > $1 limit 1`,
    [most, userId ?? null],
  );
  return person;
}

/** Runs a change of rules; who comes second to a name gets a Conflict. */
export async function refuseTaken<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    const { code, constraint } = cause as { code?: string; constraint?: string };
    throw code === '23505' && constraint === 'resource_rules_name_lower'
      ? new Conflict('there is a resource rule of this name')
      : cause;
  }
}
