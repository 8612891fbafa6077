import { z } from 'zod';
import { submittedAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { CliError } from '../domain/cli-error.js';
import { providerFrom } from '../job-options.js';
import { parseJson } from '../own-files.js';
import { line, show } from '../show.js';
import { readInput, warn } from '../world.js';
import { readSmallFile } from './secrets-set.js';

export const jobsSubmit = command({
  name: 'jobs submit',
  usage: 'FILE --provider NAME [--json]',
  about: 'Submits the job that a JSON file describes (- is stdin)',
  help: 'The file is what POST /api/cloud/{provider}/submit takes: config_name, config, hardware, secrets …',
  options: { provider: { type: 'string' }, json: { type: 'boolean' } },
  words: [1, 1],
  run: async ({ options, words: [file = '-'], world }) => {
    const provider = providerFrom(options.provider);
    const text = file === '-' ? await readInput(world) : await readSmallFile(file);
    const { data: body } = z.record(z.string(), z.unknown()).safeParse(parseJson(text ?? ''));
    if (!body) throw new CliError(`${file} is not a job in JSON`);
    const api = await openApi(world);
    const answer = await api.ask('POST', `/api/cloud/${provider}/submit`, submittedAnswer, { body });
    for (const warning of answer.warnings) warn(world, warning);
    show(world, options, answer, () =>
      line(`${answer.job_id} is ${answer.status}`, answer.approval ? `: ${answer.approval.reason}` : ''),
    );
  },
});
