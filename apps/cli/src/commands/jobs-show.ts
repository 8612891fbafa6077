import { jobAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { jobFrom } from '../job-options.js';
import { show } from '../show.js';

export const jobsShow = command({
  name: 'jobs show',
  usage: 'ID [--json]',
  about: 'Shows a job',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const id = jobFrom(words[0]);
    const api = await openApi(world);
    const answer = await api.ask('GET', `/api/cloud/jobs/${id}`, jobAnswer);
    const rows = Object.entries(answer)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
    show(world, options, answer, () => table(['FIELD', 'VALUE'], rows));
  },
});
