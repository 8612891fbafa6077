import { cancelledAnswer, cancelledArrayAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { isArray, jobFrom } from '../job-options.js';
import { line, show } from '../show.js';

export const jobsCancel = command({
  name: 'jobs cancel',
  usage: 'ID [--json]',
  about: 'Cancels a job, or all of an array: at once while it waits, or asks its run to stop',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const id = jobFrom(words[0]);
    const api = await openApi(world);
    if (isArray(id)) {
      const all = await api.ask('POST', `/api/cloud/arrays/${id}/cancel`, cancelledArrayAnswer);
      return show(world, options, all, () =>
        line(`${all.cancelled} jobs of ${id} are cancelled, or asked to stop`),
      );
    }
    const answer = await api.ask('POST', `/api/cloud/jobs/${id}/cancel`, cancelledAnswer);
    show(world, options, answer, () => line(`${answer.job_id} is ${answer.status}`));
  },
});
