import { versionsAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { instant, show } from '../show.js';

export const secretsVersions = command({
  name: 'secrets versions',
  usage: `NAME ${SECRET_USAGE}`,
  about: 'Lists the versions of a secret that are kept, newest first',
  options: SECRET_OPTIONS,
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const query = { scope: scopeFrom(options) };
    const name = nameFrom(words[0]);
    const api = await openApi(world);
    const answer = await api.ask('GET', `/api/secrets/${name}/versions`, versionsAnswer, { query });
    const rows = answer.versions.map(
      ({ version, created_at: at, created_by: by, is_same_as_current: same }) => [
        String(version),
        instant(at),
        by === undefined ? '' : `user ${by}`,
        version === answer.current_version ? 'current' : same ? 'the same as current' : '',
      ],
    );
    show(world, options, answer, () => table(['VERSION', 'SET', 'BY', 'VALUE'], rows));
  },
});
