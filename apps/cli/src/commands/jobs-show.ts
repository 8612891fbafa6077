import { arrayAnswer, jobAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { isArray, jobFrom } from '../job-options.js';
import { show, tasksTable } from '../show.js';

export const jobsShow = command({
  name: 'jobs show',
  usage: 'ID [--json]',
  about: 'Shows a job, or the jobs of an array',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const id = jobFrom(words[0]);
    const api = await openApi(world);
    if (isArray(id)) {
      const all = await api.ask('GET', `/api/cloud/arrays/${id}`, arrayAnswer);
      return show(world, options, all, () => tasksTable(all));
    }
    const answer = await api.ask('GET', `/api/cloud/jobs/${id}`, jobAnswer);
    const rows = Object.entries(answer)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
    show(world, options, answer, () => table(['FIELD', 'VALUE'], rows));
  },
});
