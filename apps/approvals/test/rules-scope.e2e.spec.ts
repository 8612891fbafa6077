import { evaluateJobs, type JobFacts } from '@lineclear/contracts';
import { expectProblem, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
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

const dear = { name: 'dear', condition: 'cost_exceeds', threshold: 50 };

it('holds the jobs of an organisation or of a team alone, as it is set and changed', async () => {
  const made = await admin.post('/api/approvals/rules', { ...dear, applies_to_org: 3 });
  expect(made.body).toMatchObject({ applies_to_org: 3, applies_to_team: null });
  const path = `/api/approvals/rules/${made.body.id}`;
  const held = async (facts: Partial<JobFacts>): Promise<boolean> => (await verdict(facts)) !== null;
  expect([await held({}), await held({ org_id: 3 }), await held({ org_id: 4 })]).toEqual([
    false,
    true,
    false,
  ]);

  const changed = await admin.patch(path, { applies_to_org: null, applies_to_team: 12 });
  expect(changed.body).toMatchObject({ applies_to_org: null, applies_to_team: 12 });
  expect([await held({ org_id: 3 }), await held({ team_ids: [11, 12] })]).toEqual([false, true]);
  expect((await admin.patch(path, { name: 'still' })).body).toMatchObject({ applies_to_team: 12 });
  expect((await admin.patch(path, { applies_to_team: null })).body.applies_to_team).toBeNull();
  expect(await held({})).toBe(true);
});

it('is refused for what is no id', async () => {
  for (const field of ['applies_to_org', 'applies_to_team']) {
    for (const id of [0, -1, 1.5, 'nlp', 2_147_483_648])
      expectProblem(await admin.post('/api/approvals/rules', { ...dear, [field]: id }), String(id), field);
  }
  expect((await admin.get('/api/approvals/rules')).body.total).toBe(0);
});
