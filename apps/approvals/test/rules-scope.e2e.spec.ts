import { type JobFacts } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { expect, it } from 'vitest';
import { houseOfRules, verdictOf } from './house.js';

const opened = houseOfRules();

const verdict = (facts?: Partial<JobFacts>) => verdictOf(opened.house, facts);

const dear = { name: 'dear', condition: 'cost_exceeds', threshold: 50 };

it('holds the jobs of an organisation or of a team alone, as it is set and changed', async () => {
  const made = await opened.admin.post('/api/approvals/rules', { ...dear, applies_to_org: 3 });
  expect(made.body).toMatchObject({ applies_to_org: 3, applies_to_team: null });
  const path = `/api/approvals/rules/${made.body.id}`;
  const held = async (facts: Partial<JobFacts>): Promise<boolean> => (await verdict(facts)) !== null;
  expect([await held({}), await held({ org_id: 3 }), await held({ org_id: 4 })]).toEqual([
    false,
    true,
    false,
  ]);

  const changed = await opened.admin.patch(path, { applies_to_org: null, applies_to_team: 12 });
  expect(changed.body).toMatchObject({ applies_to_org: null, applies_to_team: 12 });
  expect([await held({ org_id: 3 }), await held({ team_ids: [11, 12] })]).toEqual([false, true]);
  expect((await opened.admin.patch(path, { name: 'still' })).body).toMatchObject({ applies_to_team: 12 });
  expect((await opened.admin.patch(path, { applies_to_team: null })).body.applies_to_team).toBeNull();
  expect(await held({})).toBe(true);
});

it('is refused for what is no id', async () => {
  for (const field of ['applies_to_org', 'applies_to_team']) {
    for (const id of [0, -1, 1.5, 'nlp', 2_147_483_648])
      expectProblem(
        await opened.admin.post('/api/approvals/rules', { ...dear, [field]: id }),
        String(id),
        field,
      );
  }
  expect((await opened.admin.get('/api/approvals/rules')).body.total).toBe(0);
});
