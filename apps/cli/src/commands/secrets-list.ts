import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { instant, show } from '../show.js';
import { storedSecrets } from '../stored-names.js';

export const secretsList = command({
  name: 'secrets list',
  usage: `[--removed] ${SECRET_USAGE}`,
  about: 'Lists secrets, without their values',
  help: '--removed lists those that were removed and can be had back.',
  options: { ...SECRET_OPTIONS, removed: { type: 'boolean' } },
  words: [0, 0],
  run: async ({ options, world }) => {
    const secrets = await storedSecrets(await openApi(world), scopeFrom(options), options.removed);
    const rows = secrets.map((secret) => [
      secret.name,
      String(secret.version),
      instant(secret.updated_at),
      instant(secret.removed_at ?? secret.expires_at),
      secret.freshness,
      secret.source ?? '',
      secret.description ?? '',
    ]);
    const end = options.removed ? 'REMOVED' : 'EXPIRES';
    const titles = ['NAME', 'VERSION', 'SET', end, 'FRESHNESS', 'JOBS GET IT FROM', 'DESCRIPTION'];
    show(world, options, secrets, () => table(titles, rows));
  },
});
