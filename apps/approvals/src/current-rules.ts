import { Inject, Injectable } from '@nestjs/common';
import { Bus, Current, type Version } from '@lineclear/bus';
import { Database, LOGGER, Metrics, type Logger, type Tx } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { raiseRulesVersion, rulesSince } from './db/rules.repo.js';
import { RuleSet, type Rule } from './domain/rule-set.js';

/** The active rules, compiled. */
@Injectable()
export class CurrentRules extends Current<RuleSet> {
  readonly #failures: Counter<'rule_id'>;

  constructor(
    private readonly database: Database,
    bus: Bus,
    metrics: Metrics,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super(bus, 'rules', new RuleSet([]));
    this.#failures = new Counter({
      name: 'lineclear_approval_rule_errors_total',
      help: 'Evaluations of a rule that failed, so that the rule held the job, by rule',
      labelNames: ['rule_id'],
      registers: [metrics.registry],
    });
  }

  protected override async read(known: number): Promise<Version<RuleSet>> {
    const { version, combine, rules } = await rulesSince(this.database, known);
    return {
      version,
      value: rules && new RuleSet(rules, { combine, onFailure: (...failure) => this.#failed(...failure) }),
    };
  }

  #failed({ id, name }: Rule, failure: string): void {
    this.#failures.inc({ rule_id: id });
    this.log.warn(
      { rule_id: id, rule: name, failure },
      'an approval rule cannot be evaluated: it holds the job',
    );
  }

  protected override async raiseVersion(tx: Tx): Promise<void> {
    await raiseRulesVersion(tx);
  }
}
