import { versionAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';

export const secretsRename = command({
  name: 'secrets rename',
  usage: `NAME NEW-NAME ${SECRET_USAGE}`,
  about: 'Gives a secret another name, with all its versions',
  options: SECRET_OPTIONS,
  words: [2, 2],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const body = { scope: scopeFrom(options), to: nameFrom(words[1]) };
    const api = await openApi(world);
    const answer = await api.ask('POST', `/api/secrets/${name}/rename`, versionAnswer, { body });
    show(world, options, answer, () => line(`${name} is ${answer.name} now`));
  },
});
