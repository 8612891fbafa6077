import { setAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wholeNumber } from '../domain/secret-input.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';

const MAX_VERSION = 2_147_483_647;

export const secretsRollback = command({
  name: 'secrets rollback',
  usage: `NAME VERSION ${SECRET_USAGE}`,
  about: 'Makes the value of an older version the newest version',
  options: SECRET_OPTIONS,
  words: [2, 2],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const version = wholeNumber('VERSION', words[1] ?? '', { min: 1, max: MAX_VERSION });
    const body = { scope: scopeFrom(options), version };
    const api = await openApi(world);
    const answer = await api.ask('POST', `/api/secrets/${name}/rollback`, setAnswer, { body });
    show(world, options, answer, () =>
      line(
        `${answer.name} is as it was in version ${version}, which is now version ${answer.version ?? '-'}`,
      ),
    );
  },
});
