import { acceptAnswer, sharedAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { table } from '../domain/printable.js';
import { wholeNumber } from '../domain/secret-input.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS } from '../secret-options.js';
import { instant, line, ownerOf, show } from '../show.js';

const MAX_ID = 2_147_483_647;
const PAGE = 200;

export const secretsShared = command({
  name: 'secrets shared',
  usage: '[SHARE [--as NAME] [--scope user|team|org]] [--json]',
  about: 'Lists what others share with you, or gives one of it a name of yours',
  help: `What has a name of yours (lineclear secrets shared SHARE --as NAME) is to your jobs like a secret of your own; lineclear
secrets rm NAME drops the name, and nothing else. The first ${PAGE} are listed.`,
  options: { ...SECRET_OPTIONS, as: { type: 'string' } },
  words: [0, 1],
  run: async ({ options, words: [share], world }) => {
    if (share === undefined && (options.as ?? options.scope) !== undefined)
      throw wrongUsage('--as and --scope go with the number of a share');
    const id = share === undefined ? 0 : wholeNumber('SHARE', share, { min: 1, max: MAX_ID });
    const as = options.as === undefined ? {} : { as: nameFrom(options.as) };
    const api = await openApi(world);
    if (share === undefined) {
      const answer = await api.ask('GET', '/api/secrets/-/shared', sharedAnswer, { query: { limit: PAGE } });
      const rows = answer.shares.map((one) => [
        String(one.id),
        one.name,
        ownerOf(one.from),
        one.access,
        one.expires_at === undefined ? '' : instant(one.expires_at),
        one.accepted_as.map(({ name, scope }) => `${name} (${scope})`).join(', '),
      ]);
      return show(world, options, answer, () =>
        table(['SHARE', 'NAME', 'OF', 'ACCESS', 'UNTIL', 'YOUR NAME'], rows),
      );
    }
    const body = { scope: scopeFrom(options), ...as };
    const answer = await api.ask('POST', `/api/secrets/-/shared/${id}/accept`, acceptAnswer, { body });
    show(world, options, answer, () => line(`jobs get it as ${answer.name}`));
  },
});
