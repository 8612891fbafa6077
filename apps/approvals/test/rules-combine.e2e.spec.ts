import { auditRecorded, type JobFacts } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { expect, it, vi } from 'vitest';
import { houseOfRules, verdictOf } from './house.js';

const opened = houseOfRules();

const verdict = (facts?: Partial<JobFacts>) => verdictOf(opened.house, facts);

const set = async (combine: string) => opened.admin.put('/api/approvals/settings', { combine });

it('lets the first rule that holds decide, or all that do', async () => {
  const [first, second] = [
    { name: 'dear', condition: 'cost_exceeds', threshold: 50, priority: 2, required_approver_level: 'lead' },
    { name: 'a100', condition: 'hardware_type', threshold: 'a100*', required_approver_level: 'admin' },
  ];
  const { body } = await opened.admin.post('/api/approvals/rules', first);
  await opened.admin.post('/api/approvals/rules', second);
  expect((await opened.admin.get('/api/approvals/settings')).body).toEqual({
    combine: 'first',
    escalation: [],
    fallback_user_ids: [],
    link_login_above_usd: 100,
  });
  expect(await verdict()).toMatchObject({
    rule_id: body.id,
    reason: 'estimated cost $72.00 exceeds $50.00',
    required_level: 'lead',
  });

  expect((await set('all')).body).toMatchObject({ combine: 'all' });
  expect((await opened.admin.get('/api/approvals/settings')).body).toMatchObject({ combine: 'all' });
  const entry = await vi.waitFor(() => {
    const found = opened.house.peer
      .events(auditRecorded)
      .find(({ data }) => data.action === 'approval_settings.changed');
    expect(found).toBeDefined();
    return found;
  });
  expect(JSON.stringify(entry?.data)).toContain('all');
  expect(await verdict()).toMatchObject({
    rule_id: body.id,
    rule_name: 'dear',
    reason: 'estimated cost $72.00 exceeds $50.00; hardware a100-80gb matches a100*',
    required_level: 'admin',
  });
  expect(await verdict({ hardware: 'h100' })).toMatchObject({ required_level: 'lead' });
  expect(await verdict({ hardware: 'h100', estimated_cost_usd: 1 })).toBeNull();

  expect((await set('first')).status).toBe(200);
  expect(await verdict()).toMatchObject({ required_level: 'lead' });
});

it('is set by who configures the house, to nothing else', async () => {
  expectProblem(await set('most'), 'most', 'combine');
  expectProblem(await opened.admin.put('/api/approvals/settings', {}), 'nothing', 'combine');
  const lead = opened.house.as(opened.house.folk.add('lead'));
  expect((await lead.get('/api/approvals/settings')).status).toBe(200);
  expect((await lead.put('/api/approvals/settings', { combine: 'all' })).status).toBe(403);
  expect((await opened.admin.get('/api/approvals/settings')).body).toMatchObject({ combine: 'first' });
});
