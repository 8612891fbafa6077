import { setTimeout as pause } from 'node:timers/promises';
import { jobAnswer, logsAnswer } from '../answers.js';
import { openApi, Refusal, type Api } from '../api.js';
import { command } from '../command.js';
import { jobFrom } from '../job-options.js';
import { warn } from '../world.js';

const LOOK_MS = 1_000;

export const jobsLogs = command({
  name: 'jobs logs',
  usage: 'ID [-f]',
  about: 'Prints what a job printed; -f goes on until its run is over',
  options: { follow: { type: 'boolean', short: 'f' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const id = jobFrom(words[0]);
    const api = await openApi(world);
    for (let cursor: string | undefined; ;) {
      const part = await partOf(api, id, cursor, options.follow === true);
      if (part === 'not begun') {
        await pause(LOOK_MS);
        continue;
      }
      world.stdout.write(part.logs);
      const isMore = part.cursor !== cursor && part.logs !== '';
      cursor = part.cursor;
      if (isMore) continue;
      if (part.truncated) warn(world, 'there was more output than is kept');
      if (part.is_final || !options.follow) return;
      await pause(LOOK_MS);
    }
  },
});

/** The next part of the output; where a job that is followed has no run yet, that. @throws CliError */
async function partOf(api: Api, id: string, cursor: string | undefined, isFollowed: boolean) {
  try {
    return await api.ask('GET', `/api/cloud/jobs/${id}/logs`, logsAnswer, { query: { cursor } });
  } catch (error) {
    if (!isFollowed || !(error instanceof Refusal) || error.status !== 404) throw error;
    const { ended_at: endedAt } = await api.ask('GET', `/api/cloud/jobs/${id}`, jobAnswer);
    if (endedAt !== null) throw error;
    return 'not begun' as const;
  }
}
