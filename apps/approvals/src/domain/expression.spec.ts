import type { JobFacts } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import { readCondition } from './condition.js';
import { compileExpression } from './expression.js';
import { RuleSet, type Rule } from './rule-set.js';

const job = (more: Partial<JobFacts> = {}): JobFacts => ({
  job_id: `job_${'0'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: 'flux-7',
  hardware: 'a100-80gb',
  estimated_cost_usd: 72.5,
  jobs_last_24h: 2,
  first_job: false,
  ...more,
});

describe('an expression', () => {
  it.each<[string, Partial<JobFacts>, boolean]>([
    ['job.estimated_cost_usd > 50.0 && job.hardware.startsWith("a100")', {}, true],
    ['job.estimated_cost_usd > 50', {}, true],
    ['job.estimated_cost_usd > 80', {}, false],
    ['job.jobs_last_24h >= 2 && job.user_id == 7', {}, true],
    ['job.jobs_last_24h + 1 > 3', { jobs_last_24h: 3 }, true],
    ['job.first_job || job.username in ["bob", "eve"]', { username: 'eve' }, true],
    ['job.level != "lead" && !(job.provider == "local")', {}, true],
    ['job.org_id == 0', {}, true],
    ['job.org_id == 3', { org_id: 3 }, true],
    ['job.over_quota', { over_quota: ['too much'] }, true],
    ['12 in job.team_ids', { team_ids: [3, 12] }, true],
    ['12 in job.team_ids', {}, false],
    ['job.over_quota', {}, false],
    ['["h100", "a100"].exists(kind, job.hardware.startsWith(kind))', {}, true],
    ['job.config_name.matches("^flux-[0-9]+$")', {}, true],
    ['int(job.config_name.size()) > 9 ? job.first_job : true', {}, true],
    ['has(job.level)', {}, true],
  ])('%s of a job with %j is %j', (text, facts, expected) => {
    expect(compileExpression(text)(job(facts))).toBe(expected);
  });

  it.each([
    ['job.estimated_cost_usd >', /is not an expression: .*1:24.*end of input/],
    ['job.cost > 50', /knows no job\.cost: job has .*estimated_cost_usd/],
    ['has(job.cost)', /knows no job\.cost/],
    ['job.first_job || job.cost > 50', /knows no job\.cost/],
    ['job["cost"] > 50', /field not found: cost/],
    ['cost > 50', /knows no cost, but job/],
    ['job.hardware > 5', /cannot be right: found no matching overload/],
    ['true || job.hardware > 5', /found no matching overload/],
    ['job.first_job && job.hardware > 5', /found no matching overload/],
    ['job.estimated_cost_usd * 2 > 100.0', /no matching overload for '_\*_'/],
    ['cheap(job.hardware)', /unbound function: cheap/],
    ['job.hardware', /neither true nor false/],
    ['job.first_job && job.hardware', /neither true nor false/],
    ['job', /neither true nor false/],
    ['job.hardware.matches("(")', /error parsing regexp/],
    ['[1, 2].exists(a, [1, 2].exists(b, a == b))', /more than one of all, exists/],
    ['('.repeat(50) + 'job.nothing' + ')'.repeat(50), /knows no job\.nothing/],
    ['('.repeat(51) + 'true' + ')'.repeat(51), /more than 50 brackets in each other/],
    [`${'1 + '.repeat(300)}1 == 301`, /more than 250 steps deep/],
    [`${'true && '.repeat(300)}true`.slice(0, 2_001), /is longer than 2000 characters/],
  ])('%s is refused', (text, why) => {
    const read = readCondition('expression', text);
    expect('wrong' in read && read.wrong).toMatch(why);
  });

  it('is needed, and may be of 2,000 characters', () => {
    expect(readCondition('expression', ' ')).toEqual({ wrong: 'is needed by expression' });
    const text = `job.username == "${'x'.repeat(1_982)}"`;
    expect(text).toHaveLength(2_000);
    expect(readCondition('expression', text)).toEqual({ is: 'expression', expression: text });
  });

  it('may fail for some jobs, and then holds them and says so', () => {
    const condition = readCondition('expression', '100 / job.jobs_last_24h > 40');
    if ('wrong' in condition) throw new Error(condition.wrong);
    const rule = { id: 4, name: 'odd', condition, priority: 0, exemptLevels: [], requiredLevel: 'lead' };
    const failures: unknown[] = [];
    const rules = new RuleSet(
      [
        {
          ...rule,
          appliesToProvider: null,
          appliesToLevel: null,
          appliesToOrg: null,
          appliesToTeam: null,
          stages: [],
          rejections: 1,
        } satisfies Rule,
      ],
      { onFailure: ({ id }, message) => failures.push([id, message]) },
    );
    expect(rules.holds(job({ jobs_last_24h: 2 }))[0]?.reason).toBe(
      'the expression 100 / job.jobs_last_24h > 40 is true',
    );
    expect(rules.holds(job({ jobs_last_24h: 50 }))[0]).toBeUndefined();
    expect(failures).toEqual([]);
    expect(rules.holds(job({ jobs_last_24h: 0 }))[0]?.reason).toBe(
      'the expression failed: int divide by zero',
    );
    expect(failures).toEqual([[4, 'int divide by zero']]);
  });

  it('evaluates evil regular expressions in no time', () => {
    const read = compileExpression('job.config_name.matches("^(a+)+$")');
    expect(read(job({ config_name: `${'a'.repeat(199)}!` }))).toBe(false);
  });
});
