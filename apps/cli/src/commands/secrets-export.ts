import { formatDotenv } from '@lineclear/kit/dotenv';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { revealed } from '../revealed.js';
import { scopeFrom, SECRET_OPTIONS } from '../secret-options.js';
import { storedSecrets } from '../stored-names.js';

export const secretsExport = command({
  name: 'secrets export',
  usage: '[--format dotenv|json] [--prefix TEXT] [--scope user|team|org|global]',
  about: 'Prints the values of all secrets that you may set, as a dotenv file or JSON',
  help: 'Send it to a file that nobody else reads (umask 077). Each reading is in the audit log.',
  options: { ...SECRET_OPTIONS, format: { type: 'string' }, prefix: { type: 'string' } },
  words: [0, 0],
  run: async ({ options, world }) => {
    const { format = options.json ? 'json' : 'dotenv', prefix = '' } = options;
    if (format !== 'dotenv' && format !== 'json') throw wrongUsage('--format takes dotenv or json');
    const [api, scope] = [await openApi(world), scopeFrom(options)];
    const names = (await storedSecrets(api, scope))
      .map(({ name }) => name)
      // A channel's secrets are its own.
      .filter((name) => name.startsWith(prefix) && !name.toLowerCase().startsWith('channel.'));
    const values = await revealed(api, scope, names);
    world.stdout.write(
      format === 'json'
        ? `${JSON.stringify(Object.fromEntries(values), null, 2)}\n`
        : [...values].map(([name, value]) => `${formatDotenv(name, value)}\n`).join(''),
    );
  },
});
