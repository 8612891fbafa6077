import { expectProblem } from '@lineclear/testkit';
import { expect, it } from 'vitest';
import { houseOfRules } from './house.js';

const opened = houseOfRules();

const DRY_RUN = '/api/approvals/rules/dry-run';
const job = { provider: 'replicate', config_name: 'flux', hardware: 'a100-80gb', estimated_cost_usd: 72 };
const dear = { name: 'dear', condition: 'cost_exceeds', threshold: 50 };

it('says of every rule in order what it does with a job, and what that comes to', async () => {
  const rules = [
    { ...dear, name: 'far', applies_to_provider: 'runpod' },
    { ...dear, name: 'high', applies_to_level: 'lead' },
    { ...dear, name: 'org', applies_to_org: 3 },
    { ...dear, name: 'team', applies_to_team: 12 },
    { ...dear, name: 'free', exempt_levels: ['researcher'] },
    { ...dear, name: 'dearer', threshold: 100 },
    { ...dear, name: 'h100', condition: 'hardware_type', threshold: 'h100*' },
    dear,
    { ...dear, name: 'odd', condition: 'expression', threshold: '1 / job.jobs_last_24h > 5' },
    { ...dear, name: 'off', is_active: false },
  ];
  const expected = [
    { name: 'far', matched: false, passed_by: 'provider' },
    { name: 'high', matched: false, passed_by: 'level' },
    { name: 'org', matched: false, passed_by: 'org' },
    { name: 'team', matched: false, passed_by: 'team' },
    { name: 'free', matched: false, passed_by: 'exempt' },
    { name: 'dearer', matched: false, passed_by: 'condition' },
    { name: 'h100', matched: false, passed_by: 'condition' },
    { name: 'dear', matched: true, reason: 'estimated cost $72.00 exceeds $50.00' },
    { name: 'odd', matched: true, reason: 'the expression failed: int divide by zero' },
  ];
  const drafted = await opened.admin.post(DRY_RUN, { job, rules });
  expect(drafted.status).toBe(200);
  expect(drafted.body).toEqual({
    rules: expected.map((one, n) => ({ id: n + 1, ...one })),
    approval: {
      rule_id: 8,
      rule_name: 'dear',
      reason: 'estimated cost $72.00 exceeds $50.00',
      required_level: 'lead',
    },
  });
  expect((await opened.admin.get('/api/approvals/rules')).body.total).toBe(0);
  expect((await opened.admin.post(DRY_RUN, { job })).body).toEqual({ rules: [], approval: null });

  for (const rule of rules) await opened.admin.post('/api/approvals/rules', rule);
  const set = await opened.house.as(opened.house.folk.add('lead')).post(DRY_RUN, { job });
  expect(set.body.rules).toMatchObject(expected);
  expect(set.body.approval).toMatchObject({ rule_name: 'dear' });
  const other = { ...job, org_id: 3, level: 'lead', jobs_last_24h: 1, estimated_cost_usd: 60 };
  expect((await opened.admin.post(DRY_RUN, { job: other })).body.approval).toMatchObject({
    rule_name: 'high',
  });
});

it('refuses what is no job and what is no rule, naming it', async () => {
  const wrong: [field: string, body: object][] = [
    ['job.hardware', { job: { ...job, hardware: '' } }],
    ['job.team_ids', { job: { ...job, team_ids: 'nlp' } }],
    ['rules.1.threshold', { job, rules: [dear, { ...dear, condition: 'expression', threshold: 'job.no' }] }],
    ['rules.0.condition', { job, rules: [{ ...dear, condition: 'moon' }] }],
    ['rules', { job, rules: Array.from({ length: 201 }, () => dear) }],
  ];
  for (const [field, body] of wrong) expectProblem(await opened.admin.post(DRY_RUN, body), field, field);
  expect((await opened.house.as(opened.house.folk.add('researcher')).post(DRY_RUN, { job })).status).toBe(
    403,
  );
});
