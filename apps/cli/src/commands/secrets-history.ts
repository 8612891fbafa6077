import { historyAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { wholeNumber } from '../domain/secret-input.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { instant, show } from '../show.js';

export const secretsHistory = command({
  name: 'secrets history',
  usage: `NAME [--limit N] ${SECRET_USAGE}`,
  about: 'Tells what became of a secret, newest first',
  options: { ...SECRET_OPTIONS, limit: { type: 'string' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const limit = wholeNumber('--limit', options.limit ?? '100', { min: 1, max: 500 });
    const query = { scope: scopeFrom(options), limit };
    const name = nameFrom(words[0]);
    const api = await openApi(world);
    const answer = await api.ask('GET', `/api/secrets/${name}/history`, historyAnswer, { query });
    const rows = answer.changes.map(({ at, kind, version, of_version: of, by_user_id: by }) => [
      instant(at),
      kind,
      String(version),
      of === undefined ? '' : `as version ${of}`,
      by === undefined ? '' : `user ${by}`,
    ]);
    show(world, options, answer, () => table(['AT', 'WHAT', 'VERSION', 'VALUE', 'BY'], rows));
  },
});
