import type { JobFacts } from '@lineclear/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCondition, thresholdOf, type ConditionName, type Threshold } from './condition.js';
import { RuleSet, type Rule } from './rule-set.js';

const job = (more: Partial<JobFacts> = {}): JobFacts => ({
  job_id: `job_${'0'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: 'team-x-flux',
  hardware: 'a100-80gb',
  estimated_cost_usd: 10,
  jobs_last_24h: 2,
  first_job: false,
  ...more,
});

const rule = (condition: ConditionName, threshold: Threshold, more: Partial<Rule> = {}): Rule => {
  const read = readCondition(condition, threshold);
  if ('wrong' in read) throw new Error(read.wrong);
  return {
    id: 1,
    name: condition,
    condition: read,
    priority: 0,
    appliesToProvider: null,
    appliesToLevel: null,
    appliesToOrg: null,
    appliesToTeam: null,
    exemptLevels: [],
    requiredLevel: 'lead',
    stages: [],
    rejections: 1,
    ...more,
  };
};
const reason = (one: Rule, facts: JobFacts): string | undefined => new RuleSet([one]).holds(facts)[0]?.reason;

describe('a condition', () => {
  it.each<[ConditionName, Threshold, Partial<JobFacts>, string | undefined]>([
    ['cost_exceeds', '50', { estimated_cost_usd: 72 }, 'estimated cost $72.00 exceeds $50.00'],
    ['cost_exceeds', 50, { estimated_cost_usd: 50 }, undefined],
    ['cost_exceeds', 50, { estimated_cost_usd: 50.0001 }, 'estimated cost $50.0001 exceeds $50.00'],
    ['cost_exceeds', 50, { estimated_cost_usd: 50.00000001 }, undefined],
    ['cost_exceeds', 0.3, { estimated_cost_usd: 0.1 + 0.2 }, undefined],
    ['cost_exceeds', 0, { estimated_cost_usd: 0 }, undefined],
    ['cost_exceeds', 0, { estimated_cost_usd: 0.01 }, 'estimated cost $0.01 exceeds $0.00'],
    [
      'cost_exceeds',
      1000,
      { estimated_cost_usd: 1_234_567.5 },
      'estimated cost $1,234,567.50 exceeds $1,000.00',
    ],
    ['hardware_type', 'a100*', {}, 'hardware a100-80gb matches a100*'],
    ['hardware_type', 'A100*', {}, 'hardware a100-80gb matches A100*'],
    ['hardware_type', 'h1*', { also_hardware: ['a100-40gb', 'h100'] }, 'hardware h100 matches h1*'],
    ['hardware_type', 'h2*', { also_hardware: ['a100-40gb', 'h100'] }, undefined],
    ['hardware_type', 'a100', {}, undefined],
    ['hardware_type', '^a100', {}, undefined],
    ['daily_jobs_exceed', '3', { jobs_last_24h: 2 }, undefined],
    ['daily_jobs_exceed', '3', { jobs_last_24h: 3 }, '4 jobs in 24 hours (this one counted) exceed 3'],
    ['daily_jobs_exceed', 0, { jobs_last_24h: 0 }, '1 jobs in 24 hours (this one counted) exceed 0'],
    ['first_job', null, { first_job: true }, 'this is the first job of ada'],
    ['first_job', null, { first_job: false }, undefined],
    ['config_pattern', 'team-x-*', {}, 'config team-x-flux matches team-x-*'],
    ['config_pattern', 'team-y-*', {}, undefined],
    ['config_pattern', '^team', {}, 'config team-x-flux matches ^team'],
    ['config_pattern', 'flux$', {}, 'config team-x-flux matches flux$'],
    ['config_pattern', '^flux$', {}, undefined],
    ['provider', 'replicate', {}, 'the provider is replicate'],
    ['provider', 'runpod', {}, undefined],
  ])('%s %j on %j says %j', (condition, threshold, facts, expected) => {
    expect(reason(rule(condition, threshold), job(facts))).toBe(expected);
  });

  it.each<[ConditionName, Threshold | undefined, string]>([
    ['cost_exceeds', undefined, 'is needed by cost_exceeds'],
    ['cost_exceeds', '  ', 'is needed by cost_exceeds'],
    ['cost_exceeds', 'abc', 'must be an amount'],
    ['cost_exceeds', '-1', 'must be an amount'],
    ['cost_exceeds', -1, 'must be an amount'],
    ['cost_exceeds', Infinity, 'must be an amount'],
    ['cost_exceeds', NaN, 'must be an amount'],
    ['cost_exceeds', '1e3', 'must be an amount'],
    ['cost_exceeds', 2_000_000_000, 'must be an amount'],
    ['daily_jobs_exceed', '2.5', 'must be a whole number'],
    ['daily_jobs_exceed', 2.5, 'must be a whole number'],
    ['daily_jobs_exceed', -1, 'must be a whole number'],
    ['first_job', '5', 'is not used by first_job'],
    ['provider', 'Not A Provider', 'is not a provider name'],
    ['hardware_type', null, 'is needed by hardware_type'],
    ['hardware_type', '[a', 'has a [ without its ]'],
    ['hardware_type', 'a'.repeat(201), 'is longer than 200 characters'],
    ['config_pattern', '^(a', 'has a ( without its )'],
  ])('%s refuses %j: %s', (condition, threshold, wrong) => {
    expect(readCondition(condition, threshold)).toEqual({ wrong: expect.stringContaining(wrong) });
  });

  it.each<[ConditionName, Threshold, Threshold]>([
    ['cost_exceeds', '49.99', 49.99],
    ['cost_exceeds', ' 50 ', 50],
    ['daily_jobs_exceed', '5', 5],
    ['first_job', '', null],
    ['provider', 'replicate', 'replicate'],
    ['hardware_type', ' a100* ', 'a100*'],
    ['config_pattern', '^x$', '^x$'],
  ])('%s reads %j as %j', (condition, given, read) => {
    expect(thresholdOf(rule(condition, given).condition)).toBe(read);
  });
});

describe('a rule', () => {
  it.each<[string, Partial<Rule>, Partial<JobFacts>, boolean]>([
    ['its provider', { appliesToProvider: 'replicate' }, {}, true],
    ['another provider', { appliesToProvider: 'runpod' }, {}, false],
    ['its level', { appliesToLevel: 'researcher' }, {}, true],
    ['another level', { appliesToLevel: 'viewer' }, {}, false],
    ['a level above', { appliesToLevel: 'researcher' }, { level: 'lead' }, false],
    ['its organisation', { appliesToOrg: 3 }, { org_id: 3 }, true],
    ['another organisation', { appliesToOrg: 3 }, { org_id: 4 }, false],
    ['no organisation', { appliesToOrg: 3 }, {}, false],
    ['one of its teams', { appliesToTeam: 12 }, { team_ids: [11, 12] }, true],
    ['other teams', { appliesToTeam: 12 }, { team_ids: [1, 2] }, false],
    ['no team', { appliesToTeam: 12 }, {}, false],
    ['its organisation and not its team', { appliesToOrg: 3, appliesToTeam: 12 }, { org_id: 3 }, false],
    ['an exempt level', { exemptLevels: ['admin', 'researcher'] }, {}, false],
    ['a level that is not exempt', { exemptLevels: ['admin'] }, {}, true],
    [
      'an exempt level inside its scope',
      { appliesToLevel: 'researcher', exemptLevels: ['researcher'] },
      {},
      false,
    ],
  ])('looks at scope: %s', (_, scope, facts, held) => {
    expect(reason(rule('cost_exceeds', 5, scope), job(facts)) !== undefined).toBe(held);
  });
});

describe('the rules', () => {
  it('are asked by priority, then by age, and the first that holds decides', () => {
    const rules = [
      rule('cost_exceeds', 5, { id: 1 }),
      rule('cost_exceeds', 6, { id: 4, priority: 10 }),
      rule('cost_exceeds', 7, { id: 3, priority: 10 }),
      rule('cost_exceeds', 99, { id: 5, priority: 99 }),
    ];
    const held = (cost: number): number | undefined =>
      new RuleSet(rules).holds(job({ estimated_cost_usd: cost }))[0]?.rule.id;
    expect([held(100), held(10), held(6.5), held(5.5), held(5)]).toEqual([5, 3, 4, 1, undefined]);
  });

  it('answer the same from memory as afresh, in whatever order they were given', () => {
    const anyRule = fc
      .record({
        of: fc.constantFrom<[ConditionName, Threshold]>(
          ['cost_exceeds', 50],
          ['hardware_type', 'a100*'],
          ['daily_jobs_exceed', 3],
          ['first_job', null],
          ['config_pattern', '^team-[xy]'],
          ['provider', 'replicate'],
        ),
        priority: fc.integer({ min: -2, max: 2 }),
        appliesToProvider: fc.constantFrom(null, 'replicate', 'runpod'),
        appliesToLevel: fc.constantFrom(null, 'viewer' as const, 'lead' as const),
        appliesToOrg: fc.constantFrom(null, 1),
        appliesToTeam: fc.constantFrom(null, 11),
        exemptLevels: fc.subarray(['viewer' as const, 'admin' as const]),
      })
      .map(({ of: [condition, threshold], ...more }) => rule(condition, threshold, more));
    const anyJob = fc
      .record({
        level: fc.constantFrom('viewer' as const, 'lead' as const, 'admin' as const),
        provider: fc.constantFrom('replicate', 'runpod'),
        hardware: fc.constantFrom('a100', 'h100'),
        config_name: fc.constantFrom('team-x', 'solo'),
        estimated_cost_usd: fc.constantFrom(10, 50, 90),
        jobs_last_24h: fc.integer({ min: 0, max: 5 }),
        first_job: fc.boolean(),
        org_id: fc.constantFrom(1, 2),
        team_ids: fc.subarray([11, 12]),
      })
      .map(job);
    fc.assert(
      fc.property(
        fc.array(anyRule, { maxLength: 6 }),
        fc.array(anyJob, { minLength: 1, maxLength: 20 }),
        (given, jobs) => {
          const rules = given.map((one, index) => ({ ...one, id: index + 1 }));
          const remembering = new RuleSet(rules.toReversed());
          for (const one of jobs) {
            const held = remembering.holds(one)[0];
            expect(held).toEqual(new RuleSet(rules).holds(one)[0]);
            // The first in order that holds when it is asked alone.
            const alone = rules
              .toSorted((a, b) => b.priority - a.priority || a.id - b.id)
              .find((single) => reason(single, one) !== undefined);
            expect(held?.rule).toEqual(alone);
            const explained = remembering.explain(one).filter(({ holds }) => holds);
            expect(explained[0]?.rule).toEqual(alone);
            const all = new RuleSet(rules, { combine: 'all' }).holds(one);
            expect(explained).toEqual(all.map((hold) => ({ ...hold, holds: true })));
          }
        },
      ),
    );
  });

  it('take no two jobs for the same, wherever a line ends', () => {
    const rules = new RuleSet([rule('hardware_type', 'h100')]);
    expect(rules.holds(job({ hardware: 'h100\nx', config_name: 'y' }))[0]).toBeUndefined();
    expect(rules.holds(job({ hardware: 'h100', config_name: 'x\ny' }))[0]?.reason).toBe(
      'hardware h100 matches h100',
    );
  });

  it('remember only so much', () => {
    const rules = new RuleSet([rule('config_pattern', 'x-1*')]);
    for (let n = 0; n < 5_000; n += 1)
      expect(rules.holds(job({ config_name: `x-${n}` }))[0] !== undefined).toBe(String(n).startsWith('1'));
  });
});

it('of a job that may run on several machines, holds for what any rule says of any of them, each rule once', () => {
  const rules = [
    rule('hardware_type', 'h100*', { id: 1, name: 'h100' }),
    rule('hardware_type', 'a100*', { id: 2, name: 'a100' }),
    rule('provider', 'replicate', { id: 3, name: 'replicate' }),
  ];
  const facts = job({ also_hardware: ['h100', 'h100-80gb'] });
  const namesOf = (set: RuleSet): string[] => set.holds(facts).map(({ rule: { name } }) => name);
  expect(namesOf(new RuleSet(rules))).toEqual(['h100']);
  expect(namesOf(new RuleSet(rules, { combine: 'all' }))).toEqual(['h100', 'a100', 'replicate']);
});
