// What it costs to judge a job by many approval rules, where its names were seen before and where they were not. Starts nothing.
// Prints a table, writes bench-rules-results.json.
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { RuleSet } from '../apps/approvals/dist/domain/rule-set.js';
import { quantile } from './measure.mjs';
import { openRows } from './rows.mjs';

const RULES = 10_000;
const JOBS = 1_000;
/** What one judgement may take, in microseconds. */
const WANTED_US = 200;

const everywhere = { priority: 0, exemptLevels: [], requiredLevel: 'lead' };
const nobodys = { appliesToProvider: null, appliesToLevel: null, appliesToOrg: null, appliesToTeam: null };
const rules = Array.from({ length: RULES }, (_, n) => ({
  ...everywhere,
  ...nobodys,
  id: n + 1,
  name: `rule-${n}`,
  condition:
    n % 2 === 0
      ? { is: 'config_pattern', pattern: `team-${n}-*-v${n % 7}` }
      : { is: 'hardware_type', pattern: `*-${n}gb` },
}));
const jobOf = (n) => ({
  job_id: `job_${n}`,
  user_id: 1,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: `team-${n * 37}-of-${n}-v9`,
  hardware: `a100-${n}mb`,
  estimated_cost_usd: 1,
  jobs_last_24h: 0,
  first_job: false,
});

const { row, write } = openRows();
const set = new RuleSet(rules);

function microsecondsOf(job) {
  const before = performance.now();
  if (set.holds(job).length > 0) throw new Error(`${job.config_name} is held`);
  return (performance.now() - before) * 1_000;
}

// Until it is compiled.
for (let n = 0; n < JOBS; n += 1) microsecondsOf(jobOf(-n));
const fresh = Array.from({ length: JOBS }, (_, n) => microsecondsOf(jobOf(n + 1)));
const again = Array.from({ length: JOBS }, (_, n) => microsecondsOf(jobOf(n + 1)));
row('approvals.judge_10000_rules_new_name_p50_us', quantile(fresh, 0.5), 'us', WANTED_US, 'less');
row('approvals.judge_10000_rules_new_name_p99_us', quantile(fresh, 0.99), 'us', WANTED_US, 'less');
row('approvals.judge_10000_rules_known_name_p50_us', quantile(again, 0.5), 'us', WANTED_US, 'less');
write(fileURLToPath(new URL('../bench-rules-results.json', import.meta.url)));
