import { linkAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { instant, line, show } from '../show.js';

const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 };

export const secretsLink = command({
  name: 'secrets link',
  usage: `NAME [--expires 30m|24h|7d] ${SECRET_USAGE}`,
  about: 'Makes a link that shows a secret once, to whoever opens it first',
  options: { ...SECRET_OPTIONS, expires: { type: 'string' } },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const [, count, unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(options.expires ?? '24h') ?? [];
    if (count === undefined) throw wrongUsage('--expires takes minutes, hours or days: 30m, 24h, 7d');
    const body = { scope: scopeFrom(options), expires_in_seconds: Number(count) * UNIT_SECONDS[unit]! };
    const name = nameFrom(words[0]);
    const api = await openApi(world);
    const link = await api.ask('POST', `/api/secrets/${name}/links`, linkAnswer, { body });
    show(world, options, link, () =>
      [line(link.url), line('it works once, until ', instant(link.expires_at))].join(''),
    );
  },
});
