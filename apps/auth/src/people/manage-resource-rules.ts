import { Injectable } from '@nestjs/common';
import { audited, differences, requirePermission } from '@lineclear/access';
import { Bus, event, type Outgoing } from '@lineclear/bus';
import {
  MAX_RESOURCE_RULES,
  principalChanged,
  principalsChanged,
  type Level,
  type Principal,
} from '@lineclear/contracts';
import { BadInput, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import * as levels from '../db/levels.repo.js';
import * as rules from '../db/resource-rules.repo.js';
import * as users from '../db/users.repo.js';
import { judgeChange } from '../domain/judge-change.js';
import { allowOrThrow, standingAt, standingOf } from './standing.js';

/** How many rules one person may have, by their level and by name: every submit asks all of them. */
const MAX_RULES_PER_PERSON = 200;

export interface RuleRequest extends rules.RuleText {
  /** Left as they are where a change says nothing of them. */
  readonly levels?: readonly Level[] | undefined;
  readonly userIds?: readonly number[] | undefined;
}

/** Whom a rule is given to. */
interface Holders {
  readonly levels: readonly Level[];
  readonly userIds: readonly number[];
}

interface Made<T> {
  readonly concerned: readonly Holders[];
  readonly result: T;
  /** For the audit log. */
  readonly told: Outgoing;
}

const TOLD = ['name', 'resource_type', 'pattern', 'action', 'priority', 'levels', 'user_ids'] as const;

/** What those who look after people do to resource rules. A rule is as high as whom it is given to. */
@Injectable()
export class ManageResourceRules {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  async create(caller: Principal, request: RuleRequest): Promise<rules.RuleRow> {
    return this.#change(caller, async (tx) => {
      if ((await rules.count(tx)) >= MAX_RESOURCE_RULES)
        throw new Conflict(`there are ${MAX_RESOURCE_RULES} resource rules, and may not be more`);
      const id = await rules.insert(tx, request, this.clock.now());
      const held = await this.#give(tx, id, request);
      const rule = (await rules.byId(tx, id))!;
      const { name, resource_type, pattern, action, levels, user_ids } = rule;
      const details = { name, resource_type, pattern, action, levels, user_ids };
      return {
        concerned: [held],
        result: rule,
        told: audited('resource_rule.created', { target: `resource_rule/${id}`, details }),
      };
    });
  }

  async change(caller: Principal, id: number, request: RuleRequest): Promise<rules.RuleRow> {
    return this.#change(caller, async (tx) => {
      const before = await this.#existing(tx, id);
      await rules.update(tx, id, request, this.clock.now());
      const held = await this.#give(tx, id, request);
      const after = (await rules.byId(tx, id))!;
      const details = differences(before, after, TOLD);
      return {
        concerned: [holdersOf(before), held],
        result: after,
        told: audited('resource_rule.changed', { target: `resource_rule/${id}`, details }),
      };
    });
  }

  async remove(caller: Principal, id: number): Promise<void> {
    await this.#change(caller, async (tx) => {
      const before = await this.#existing(tx, id);
      await rules.remove(tx, id);
      const details = { name: before.name };
      return {
        concerned: [holdersOf(before)],
        result: undefined,
        told: audited('resource_rule.removed', { target: `resource_rule/${id}`, details }),
      };
    });
  }

  /** Gives a level these rules in place of all it had. */
  async setRulesOf(caller: Principal, level: Level, ruleIds: readonly number[]): Promise<rules.RuleRow[]> {
    return this.#changeLevel(caller, level, async (tx) => {
      const unknown = await rules.unknownOf(tx, ruleIds);
      throwIfUnknown('rule_ids', 'resource rule', ruleIds, unknown);
      await rules.setRulesOf(tx, level, ruleIds);
      await refuseTooMany(tx);
    });
  }

  async giveTo(caller: Principal, level: Level, id: number): Promise<rules.RuleRow[]> {
    return this.#changeLevel(caller, level, async (tx) => {
      const { levels: held } = await this.#existing(tx, id);
      await rules.setLevels(tx, id, [...held, level]);
      await refuseTooMany(tx);
    });
  }

  async takeFrom(caller: Principal, level: Level, id: number): Promise<rules.RuleRow[]> {
    return this.#changeLevel(caller, level, async (tx) => {
      const { levels: held } = await this.#existing(tx, id);
      if (!held.includes(level)) throw new NotFound(`resource rule of the level ${level}`, id);
      await rules.setLevels(
        tx,
        id,
        held.filter((one) => one !== level),
      );
    });
  }

  #changeLevel(caller: Principal, level: Level, change: (tx: Tx) => Promise<void>): Promise<rules.RuleRow[]> {
    return this.#change(caller, async (tx) => {
      if (!(await levels.byName(tx, level))) throw new NotFound('level', level);
      const before = { rule_ids: (await rules.ofLevel(tx, level)).map(({ id }) => id) };
      await change(tx);
      const result = await rules.ofLevel(tx, level);
      const details = differences(before, { rule_ids: result.map(({ id }) => id) }, ['rule_ids']);
      return {
        concerned: [{ levels: [level], userIds: [] }],
        result,
        told: audited('level.rules_changed', { target: `level/${level}`, details }),
      };
    });
  }

  /** Makes the change, looks at whom it concerned and what became of them, and takes it back if that must not be. */
  #change<T>(caller: Principal, change: (tx: Tx) => Promise<Made<T>>): Promise<T> {
    const changed = this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const author = await callerNow(tx, caller, this.clock.now());
      requirePermission(author, 'admin.users');
      const { concerned, result, told } = await change(tx);
      const held = await levels.named(
        tx,
        concerned.flatMap((holders) => holders.levels),
      );
      const userIds = [...new Set(concerned.flatMap((holders) => holders.userIds))];
      // The rules of a level are about whoever has it.
      for (const level of held)
        allowOrThrow(judgeChange({ ...author, isTarget: false }, undefined, standingAt(level)));
      for (const id of userIds) {
        const standing = standingOf((await users.byId(tx, id))!);
        allowOrThrow(judgeChange({ ...author, isTarget: false }, standing, standing));
      }
      const names = held.map(({ name }) => name);
      await this.#tell(tx, names, userIds);
      await this.bus.publish(tx, told);
      return result;
    });
    return rules.refuseTaken(changed);
  }

  /** Every cached principal that carries the rule, or should from now on, is stale. */
  async #tell(tx: Tx, names: Level[], userIds: readonly number[]): Promise<void> {
    if (names.length > 0)
      await this.bus.publish(tx, event(principalsChanged, { levels: names }, { about: 'resource-rules' }));
    const events = userIds.map((id) => event(principalChanged, { user_id: id }, { about: `user/${id}` }));
    await this.bus.publish(tx, ...events);
  }

  async #existing(tx: Tx, id: number): Promise<rules.RuleRow> {
    const rule = await rules.byId(tx, id);
    if (!rule) throw new NotFound('resource rule', id);
    return rule;
  }

  /** @returns whom the rule is given to from now on. */
  async #give(tx: Tx, id: number, { levels: names, userIds }: RuleRequest): Promise<Holders> {
    if (names) {
      throwIfUnknown('level_names', 'level', names, await levels.unknownOf(tx, names));
      await rules.setLevels(tx, id, names);
    }
    if (userIds) {
      throwIfUnknown('user_ids', 'user', userIds, await users.unknownOf(tx, userIds));
      await rules.setUsers(tx, id, userIds);
    }
    await refuseTooMany(tx);
    return holdersOf(await this.#existing(tx, id));
  }
}

const holdersOf = ({ levels, user_ids: userIds }: rules.RuleRow): Holders => ({ levels, userIds });

function throwIfUnknown<Id extends number | string>(
  field: string,
  what: string,
  ids: readonly Id[],
  unknown: ReadonlySet<Id>,
): void {
  if (unknown.size === 0) return;
  throw new BadInput(
    ids.flatMap((id, n) =>
      unknown.has(id) ? [{ path: `${field}.${n}`, message: `there is no ${what} ${id}` }] : [],
    ),
  );
}

/** @throws Conflict when a person, or this one, has more rules than a submit should ask. */
export async function refuseTooMany(tx: Tx, userId?: number): Promise<void> {
  const found = await rules.anyoneWithMoreThan(tx, MAX_RULES_PER_PERSON, userId);
  if (!found) return;
  const who = 'level' in found ? `everyone of level ${found.level}` : found.username;
  throw new Conflict(`${who} would have more than ${MAX_RULES_PER_PERSON} resource rules`);
}
