import type { JobFacts } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { needOf } from './need.js';
import { RuleSet, type Rule } from './rule-set.js';

const FACTS: JobFacts = {
  job_id: `job_${'0'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  level: 'researcher',
  provider: 'local',
  config_name: 'tiny',
  hardware: 'local',
  estimated_cost_usd: 1,
  jobs_last_24h: 0,
  first_job: false,
};
const rule = (requiredLevel: string, more: Partial<Rule> = {}): Rule => ({
  id: 5,
  name: 'high_cost',
  condition: { is: 'cost_exceeds', thresholdUsd: 0 },
  priority: 0,
  appliesToProvider: null,
  appliesToLevel: null,
  appliesToOrg: null,
  appliesToTeam: null,
  exemptLevels: ['admin'],
  requiredLevel,
  stages: [],
  rejections: 1,
  ...more,
});
const secret = (name: string, level = 'lead') => ({ name, level, scope: 'global' });
const COST = 'estimated cost $1.00 exceeds $0.00';

it.each<[string, Rule[], Partial<JobFacts>, object | null]>([
  ['nothing', [], {}, null],
  [
    'a rule',
    [rule('lead')],
    {},
    { rule_id: 5, rule_name: 'high_cost', reason: COST, required_level: 'lead' },
  ],
  [
    'a quota',
    [],
    { over_quota: ['too much', 'too many'] },
    { rule_id: 0, rule_name: 'quota', reason: 'too much; too many', required_level: 'lead' },
  ],
  [
    'a secret',
    [],
    { secrets_needing_approval: [secret('A', 'senior')] },
    { rule_id: 0, rule_name: 'secret', reason: 'the secret A needs an approval', required_level: 'senior' },
  ],
  [
    'two secrets, by the higher of their levels',
    [],
    { secrets_needing_approval: [secret('A'), secret('B', 'admin')] },
    { rule_id: 0, rule_name: 'secret', reason: 'the secrets A, B need an approval', required_level: 'admin' },
  ],
  [
    'a rule and a secret that asks for more',
    [rule('lead')],
    { secrets_needing_approval: [secret('A', 'admin')] },
    {
      rule_id: 5,
      rule_name: 'high_cost',
      reason: `${COST}; the secret A needs an approval`,
      required_level: 'admin',
    },
  ],
  [
    'a rule that asks for more and a secret',
    [rule('admin')],
    { secrets_needing_approval: [secret('A')] },
    { rule_id: 5, rule_name: 'high_cost', reason: expect.any(String), required_level: 'admin' },
  ],
  [
    'a rule, a quota and a secret of a level that was made: both are to be reached',
    [rule('lead')],
    { over_quota: ['too much'], secrets_needing_approval: [secret('A', 'senior')] },
    {
      rule_id: 5,
      rule_name: 'high_cost',
      reason: `${COST}; the secret A needs an approval; too much`,
      required_level: 'lead',
      also_levels: ['senior'],
    },
  ],
  [
    'a secret, of somebody whom the rule exempts',
    [rule('lead')],
    { level: 'admin', secrets_needing_approval: [secret('A')] },
    { rule_id: 0, rule_name: 'secret', reason: 'the secret A needs an approval', required_level: 'lead' },
  ],
  [
    'a rule with stages of its own, one of them of the level that the rule names',
    [
      rule('lead', {
        stages: [{ approvals: 2 }, { approvals: 1, level: 'admin', team_id: 4 }],
        rejections: 2,
      }),
    ],
    {},
    {
      rule_id: 5,
      rule_name: 'high_cost',
      reason: COST,
      required_level: 'lead',
      stages: [
        { approvals: 2, levels: ['lead'] },
        { approvals: 1, levels: ['admin'], team_id: 4 },
      ],
      rejections: 2,
    },
  ],
  [
    'a rule with one stage that asks for what it would without',
    [rule('lead', { stages: [{ approvals: 1 }] })],
    {},
    { rule_id: 5, rule_name: 'high_cost', reason: COST, required_level: 'lead' },
  ],
  [
    'a rule with stages and a secret that one of them covers: one no is one',
    [rule('lead', { stages: [{ approvals: 2 }], rejections: 2 })],
    { secrets_needing_approval: [secret('A')] },
    {
      rule_id: 5,
      rule_name: 'high_cost',
      reason: expect.any(String),
      required_level: 'lead',
      stages: [{ approvals: 2, levels: ['lead'] }],
      rejections: 1,
    },
  ],
  [
    'a rule with stages and a secret that asks for more than any of them',
    [rule('lead', { stages: [{ approvals: 2 }] })],
    { secrets_needing_approval: [secret('A', 'admin')] },
    {
      rule_id: 5,
      rule_name: 'high_cost',
      reason: expect.any(String),
      required_level: 'admin',
      stages: [
        { approvals: 1, levels: ['admin'] },
        { approvals: 2, levels: ['lead'] },
      ],
      rejections: 1,
    },
  ],
])('a job is held by %s', (_, rules, facts, need) => {
  expect(needOf({ ...FACTS, ...facts }, new RuleSet(rules))).toEqual(need);
});

it('holds every job that has a demand, and says so in a reason that has room', () => {
  const name = fc.stringMatching(/^[A-Z][A-Z_]{0,127}$/);
  const secrets = fc.array(
    name.map((one) => secret(one)),
    { minLength: 1, maxLength: 50 },
  );
  const reasons = fc.array(fc.string({ minLength: 1, maxLength: 200 }), { maxLength: 20 });
  fc.assert(
    fc.property(secrets, reasons, (secrets_needing_approval, over_quota) => {
      const need = needOf({ ...FACTS, over_quota, secrets_needing_approval }, new RuleSet([]));
      expect(need?.required_level).toBe('lead');
      expect(need?.reason.length).toBeLessThanOrEqual(2_000);
      expect(need?.reason).toMatch(/^the secrets? [A-Z_, ]+( and \d+ more)? needs? an approval/);
    }),
  );
});
