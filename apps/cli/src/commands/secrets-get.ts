import { openApi } from '../api.js';
import { command } from '../command.js';
import { CliError, EXIT } from '../domain/cli-error.js';
import { revealed } from '../revealed.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';

export const secretsGet = command({
  name: 'secrets get',
  usage: `NAME ${SECRET_USAGE}`,
  about: 'Prints the value of a secret that you may set',
  help: 'The value goes to stdout as it is, without a line end; --json prints {"name", "value"}. Each reading is in the audit log.',
  options: SECRET_OPTIONS,
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const value = (await revealed(await openApi(world), scopeFrom(options), [name])).get(name);
    if (value === undefined) throw new CliError(`there is no secret ${name}`, EXIT.refused);
    world.stdout.write(options.json ? `${JSON.stringify({ name, value })}\n` : value);
  },
});
