import { Injectable } from '@nestjs/common';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Database, type Tx } from '@lineclear/kit';
import { raiseRulesVersion, rulesSince } from './db/rules.repo.js';
import { RuleSet } from './domain/rule-set.js';

/** The active rules, compiled. */
@Injectable()
export class CurrentRules extends Current<RuleSet> {
  constructor(
    private readonly database: Database,
    bus: Bus,
  ) {
    super(bus, 'rules', new RuleSet([]));
  }

  protected override async read(known: number): Promise<Version<RuleSet>> {
    const { version, rules } = await rulesSince(this.database, known);
    return { version, value: rules && new RuleSet(rules) };
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRulesVersion(tx);
  }
}
