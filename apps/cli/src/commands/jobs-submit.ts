import { formatNamed } from '@lineclear/credentials';
import { z } from 'zod';
import { arrayAnswer, submittedAnswer } from '../answers.js';
import { openApi, type Api } from '../api.js';
import { command } from '../command.js';
import { CliError, wrongUsage } from '../domain/cli-error.js';
import { jobSecrets, type JobSecret } from '../domain/job-secrets.js';
import { secretNames, standingInStore } from '../domain/secret-names.js';
import { providerFrom } from '../job-options.js';
import { parseJson } from '../own-files.js';
import { line, show, tasksTable } from '../show.js';
import { storedSecrets } from '../stored-names.js';
import { readInput, warn } from '../world.js';
import { readSmallFile } from './secrets-set.js';

export const jobsSubmit = command({
  name: 'jobs submit',
  usage: 'FILE --provider NAME [--credential FORMAT[:PROFILE] …] [--json]',
  about: 'Submits the job, or the array of jobs, that a JSON file describes (- is stdin)',
  help: `The file is what POST /api/cloud/{provider}/submit takes: config_name, config, hardware, secrets … With parameters it is an
array: a job for every combination of their values. --credential adds one of
your own credentials in Lineclear: in the variables that tools read, or where they look for its file.`,
  options: {
    provider: { type: 'string' },
    credential: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
  words: [1, 1],
  run: async ({ options, words: [file = '-'], world }) => {
    const provider = providerFrom(options.provider);
    const text = file === '-' ? await readInput(world) : await readSmallFile(file);
    const { data: body } = z.record(z.string(), z.unknown()).safeParse(parseJson(text ?? ''));
    if (!body) throw new CliError(`${file} is not a job in JSON`);
    const api = await openApi(world);
    const { credential: wanted = [] } = options;
    if (wanted.length > 0)
      body['secrets'] = [...listed(body['secrets']), ...(await credentialsFor(api, wanted))];
    if (body['parameters'] !== undefined) {
      const all = await api.ask('POST', `/api/cloud/${provider}/arrays`, arrayAnswer, { body });
      for (const warning of all.warnings) warn(world, warning);
      return show(world, options, all, () => `${line(all.array_id)}${tasksTable(all)}`);
    }
    const answer = await api.ask('POST', `/api/cloud/${provider}/submit`, submittedAnswer, { body });
    for (const warning of answer.warnings) warn(world, warning);
    show(world, options, answer, () =>
      line(`${answer.job_id} is ${answer.status}`, answer.approval ? `: ${answer.approval.reason}` : ''),
    );
  },
});

/** What the file says itself; what is no list the server refuses. */
const listed = (secrets: unknown): unknown[] =>
  secrets === undefined ? [] : Array.isArray(secrets) ? secrets : [secrets];

async function credentialsFor(api: Api, wanted: readonly string[]): Promise<JobSecret[]> {
  const stored = new Set((await storedSecrets(api, 'user')).map(({ name }) => name));
  return wanted.flatMap((text) => {
    const [name = '', profile] = text.split(/:(.*)/s, 2);
    const format = formatNamed(name);
    if (!format) throw wrongUsage(`there is no format ${name.slice(0, 40)}: lineclear credentials --all`);
    if (standingInStore(format, secretNames(format, profile), stored) !== 'there')
      throw new CliError(`${text} is not in Lineclear: lineclear login, or secrets set --provider ${name}`);
    const { entries, left } = jobSecrets(format, profile, stored);
    if (left.length > 0)
      throw new CliError(`no job can be given ${left.join(', ')} of ${name}: each is only a part of a file`);
    return entries;
  });
}
