import { jobsAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { wholeNumber } from '../domain/secret-input.js';
import { instant, show } from '../show.js';

export const jobsList = command({
  name: 'jobs list',
  usage: '[--status STATUS] [--provider NAME] [--limit N] [--json]',
  about: 'Lists jobs, newest first',
  options: {
    status: { type: 'string' },
    provider: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  },
  words: [0, 0],
  run: async ({ options, world }) => {
    const { status, provider, limit = '50' } = options;
    const query = { status, provider, limit: wholeNumber('--limit', limit, { min: 1, max: 500 }) };
    const api = await openApi(world);
    const answer = await api.ask('GET', '/api/cloud/jobs', jobsAnswer, { query });
    const rows = answer.jobs.map((job) => [
      job.job_id,
      job.status,
      job.provider,
      job.config_name,
      job.username,
      instant(job.submitted_at),
      job.cost_usd === null ? '' : job.cost_usd.toFixed(2),
    ]);
    const titles = ['JOB', 'STATUS', 'PROVIDER', 'CONFIG', 'BY', 'SUBMITTED', 'COST USD'];
    show(world, options, answer, () => table(titles, rows));
  },
});
