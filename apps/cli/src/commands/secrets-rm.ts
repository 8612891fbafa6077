import { nothing } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';
import { askYesNo } from '../world.js';

export const secretsRm = command({
  name: 'secrets rm',
  usage: `NAME [--purge [--yes]] ${SECRET_USAGE}`,
  about: 'Removes a secret, which can be had back for a while',
  help: '--purge removes it for good, with all its versions: that is asked first, or takes --yes.',
  options: { ...SECRET_OPTIONS, purge: { type: 'boolean' }, yes: { type: 'boolean' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const { purge = false } = options;
    const query = { scope: scopeFrom(options), purge };
    const api = await openApi(world);
    if (purge && !options.yes) {
      if (!world.terminal) throw wrongUsage('--purge is for good, and nobody is there to ask: --yes');
      if (!(await askYesNo(world.terminal, `Remove ${name} for good?`, false))) return;
    }
    await api.ask('DELETE', `/api/secrets/${name}`, nothing, { query });
    show(world, options, { name, removed: true, purged: purge }, () =>
      line(name, purge ? ' is removed for good' : ' is removed; lineclear secrets undelete brings it back'),
    );
  },
});
