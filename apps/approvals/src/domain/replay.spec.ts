import type { JobFacts } from '@lineclear/contracts';
import { expect, it } from 'vitest';
import { Replay } from './replay.js';
import { RuleSet, type Rule } from './rule-set.js';

const job = (cost: number): JobFacts => ({
  job_id: `job_${String(cost).padStart(32, '0')}`,
  user_id: 7,
  username: 'ada',
  level: 'researcher',
  provider: 'local',
  config_name: 'tiny',
  hardware: 'local',
  estimated_cost_usd: cost,
  jobs_last_24h: 0,
  first_job: false,
});
const above = (thresholdUsd: number, id: number, more: Partial<Rule> = {}): Rule => ({
  id,
  name: `above ${thresholdUsd}`,
  condition: { is: 'cost_exceeds', thresholdUsd },
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
});
const replayed = (now: Rule[], draft: Rule[], max = 10): Replay => {
  const replay = new Replay({ now: new RuleSet(now), draft: new RuleSet(draft) }, max);
  for (const cost of [5, 20, 60, 90]) replay.look(job(cost));
  return replay;
};

it('counts what each set of rules holds, and tells the jobs of which they say different things', () => {
  const { jobs, different, now, draft, differences } = replayed([above(50, 1)], [above(10, 1)]);
  expect([jobs, different]).toEqual([4, 1]);
  expect([now.held, now.costUsd, draft.held, draft.costUsd]).toEqual([2, 150, 3, 170]);
  expect([[...now.byRule], [...draft.byRule]]).toEqual([[[1, 2]], [[1, 3]]]);
  expect(differences).toMatchObject([{ job: { estimated_cost_usd: 20 }, now: null, draft: { rule_id: 1 } }]);
});

it('differs where others are asked, and not where another rule says the same', () => {
  expect(replayed([above(50, 1)], [above(50, 2)]).different).toBe(0);
  expect(replayed([above(50, 1)], [above(50, 1, { requiredLevel: 'admin' })]).different).toBe(2);
  expect(replayed([above(50, 1)], [above(50, 1, { stages: [{ approvals: 2 }] })]).different).toBe(2);
  expect(replayed([above(50, 1)], []).different).toBe(2);
});

it('tells no more of them than are wanted, and counts them all', () => {
  const { different, differences } = replayed([], [above(0, 1)], 2);
  expect([different, differences.length]).toEqual([4, 2]);
});
