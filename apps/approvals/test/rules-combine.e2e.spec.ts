import { auditRecorded, evaluateJobs, type JobFacts } from '@lineclear/contracts';
import { expectProblem, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { factsOf, newJobId, openHouse, type House } from './house.js';

let house: House;
let admin: Client;

beforeAll(async () => {
  house = await openHouse();
  admin = house.as(house.folk.add('admin'));
});
beforeEach(async () => {
  for (const { id } of (await admin.get('/api/approvals/rules')).body.rules)
    await admin.delete(`/api/approvals/rules/${id}`);
});
afterAll(async () => house?.close());

const verdict = async (facts: Partial<JobFacts> = {}) => {
  const { verdicts } = await house.peer.ask(evaluateJobs, { jobs: [factsOf(newJobId(), facts)] });
  return verdicts[0]?.approval ?? null;
};

const set = async (combine: string) => admin.put('/api/approvals/settings', { combine });

it('lets the first rule that holds decide, or all that do', async () => {
  const [first, second] = [
    { name: 'dear', condition: 'cost_exceeds', threshold: 50, priority: 2, required_approver_level: 'lead' },
    { name: 'a100', condition: 'hardware_type', threshold: 'a100*', required_approver_level: 'admin' },
  ];
  const { body } = await admin.post('/api/approvals/rules', first);
  await admin.post('/api/approvals/rules', second);
  expect((await admin.get('/api/approvals/settings')).body).toEqual({ combine: 'first' });
  expect(await verdict()).toMatchObject({
    rule_id: body.id,
    reason: 'estimated cost $72.00 exceeds $50.00',
    required_level: 'lead',
  });

  expect((await set('all')).body).toEqual({ combine: 'all' });
  expect((await admin.get('/api/approvals/settings')).body).toEqual({ combine: 'all' });
  const entry = await vi.waitFor(() => {
    const found = house.peer
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
  expectProblem(await admin.put('/api/approvals/settings', {}), 'nothing', 'combine');
  const lead = house.as(house.folk.add('lead'));
  expect((await lead.get('/api/approvals/settings')).status).toBe(200);
  expect((await lead.put('/api/approvals/settings', { combine: 'all' })).status).toBe(403);
  expect((await admin.get('/api/approvals/settings')).body).toEqual({ combine: 'first' });
});
