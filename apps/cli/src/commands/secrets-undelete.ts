import { versionAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';

export const secretsUndelete = command({
  name: 'secrets undelete',
  usage: `NAME ${SECRET_USAGE}`,
  about: 'Brings a removed secret back as it was',
  options: SECRET_OPTIONS,
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const body = { scope: scopeFrom(options) };
    const api = await openApi(world);
    const answer = await api.ask('POST', `/api/secrets/${name}/undelete`, versionAnswer, { body });
    show(world, options, answer, () => line(`${answer.name} is back, version ${answer.version}`));
  },
});
