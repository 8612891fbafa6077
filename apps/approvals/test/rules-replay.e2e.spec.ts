import { pastJobs, type JobFacts, type RequestOf } from '@lineclear/contracts';
import { refusesBadInput } from '@lineclear/testkit';
import { beforeEach, expect, it } from 'vitest';
import { factsOf, houseOfRules } from './house.js';

const opened = houseOfRules();

const REPLAY = '/api/approvals/rules/replay';
const dear = (threshold: number, more: object = {}) => ({
  name: `above ${threshold}`,
  condition: 'cost_exceeds',
  threshold,
  ...more,
});
let asked: RequestOf<typeof pastJobs>[];
let past: JobFacts[];

beforeEach(() => {
  asked = [];
  past = [5, 20, 60].map((estimated_cost_usd, n) =>
    factsOf(`job_${String(n).padStart(32, '0')}`, { estimated_cost_usd }),
  );
  opened.house.peer.answer(pastJobs, (question) => {
    asked.push(question);
    const { after, limit } = question;
    return { jobs: past.filter(({ job_id }) => after === undefined || job_id > after).slice(0, limit) };
  });
});

it('says what drafts would have held of the jobs of the last days, beside the rules that are set', async () => {
  const { body: set } = await opened.admin.post('/api/approvals/rules', dear(50));
  const { status, body } = await opened.admin.post(REPLAY, {
    days: 7,
    rules: [dear(10), dear(1, { is_active: false })],
  });
  expect(status).toBe(200);
  expect(body).toEqual({
    jobs: 3,
    is_cut: false,
    now: { held: 1, held_cost_usd: 60, by_rule: [{ rule_id: set.id, jobs: 1 }] },
    draft: { held: 2, held_cost_usd: 80, by_rule: [{ rule_id: 1, jobs: 2 }] },
    different: 1,
    differences: [
      {
        job_id: past[1]!.job_id,
        username: 'ada',
        provider: 'replicate',
        config_name: 'flux-lora',
        hardware: 'a100-80gb',
        estimated_cost_usd: 20,
        now: null,
        draft: {
          rule_id: 1,
          rule_name: 'above 10',
          reason: 'estimated cost $20.00 exceeds $10.00',
          required_level: 'lead',
        },
      },
    ],
  });
  const days = (opened.house.clock.now().getTime() - Date.parse(asked[0]!.since)) / 86_400_000;
  expect(Math.round(days)).toBe(7);
  expect(asked[0]).not.toHaveProperty('tenant');
});

it('combines drafts as it is told to', async () => {
  const rules = [dear(50, { priority: 1 }), dear(55, { required_approver_level: 'admin' })];
  const differs = async (more: object) => (await opened.admin.post(REPLAY, { rules, ...more })).body;
  expect((await differs({ combine: 'first' })).differences[0].draft.required_level).toBe('lead');
  expect((await differs({ combine: 'all' })).differences[0].draft.required_level).toBe('admin');
});

it('looks at page after page of the jobs that the caller may know of, as far as that goes', async () => {
  past = Array.from({ length: 450 }, (_, n) => factsOf(`job_${String(n).padStart(32, '0')}`));
  const { folk } = opened.house;
  const lead = opened.house.as(folk.add('lead', { org: { id: 7, slug: 'seven' } }));
  const { body } = await lead.post(REPLAY, { rules: [dear(1)] });
  expect([body.jobs, body.different, body.differences.length, body.is_cut]).toEqual([450, 450, 200, false]);
  expect(asked.map(({ after, tenant }) => [after, tenant])).toEqual([
    [undefined, 7],
    [past[199]!.job_id, 7],
    [past[399]!.job_id, 7],
  ]);
  past = Array.from({ length: 20_001 }, (_, n) => factsOf(`job_${String(n).padStart(32, '0')}`));
  expect((await lead.post(REPLAY, { rules: [] })).body).toMatchObject({ jobs: 20_000, is_cut: true });
});

it('is for who may approve, says what cannot be, and that the queue is away when it is', async () => {
  await refusesBadInput(opened.admin.post, REPLAY, { rules: [] }, [
    ['rules', {}],
    ['days', { rules: [], days: 91 }],
    ['days', { rules: [], days: 0 }],
    ['combine', { rules: [], combine: 'most' }],
    ['rules.0.threshold', { rules: [dear(50, { threshold: 'much' })] }],
  ]);
  expect(
    (await opened.house.as(opened.house.folk.add('researcher')).post(REPLAY, { rules: [] })).status,
  ).toBe(403);
  opened.house.peer.stopAnswering(pastJobs);
  expect((await opened.admin.post(REPLAY, { rules: [] })).status).toBe(503);
});
