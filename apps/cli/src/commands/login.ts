import { meAnswer } from '../answers.js';
import { apiAs } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { printable } from '../domain/printable.js';
import { offerDownload } from '../download.js';
import { defaultUrl, isReadableOnTheWay, keepSession, parseKey, parseUrl } from '../own-files.js';
import { offerUpload } from '../upload.js';
import { readInput, say, warn, type World } from '../world.js';

const OWN_SECRETS = 'job.submit';

export const login = command({
  name: 'login',
  usage: '[--url URL] [--key KEY | --key-stdin] [--yes] [--no-upload] [--no-download] [--home DIR]',
  about: 'Logs in with an API key, and offers to save and to load down credentials',
  help: `The key is checked and kept in ~/.lineclear/cli.json (0600). Each credential that ML tools have on this machine and that
is not in Lineclear yet is offered: Enter leaves it here, --yes saves all, --no-upload none. Without a terminal nothing is
saved or loaded unless --yes says so. --key shows the key to who lists processes: --key-stdin, or the question, does not.
Each credential that is in Lineclear and not here is offered the other way round: Enter puts it where its tools look, until
lineclear logout; --yes loads all, --no-download none.`,
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    'key-stdin': { type: 'boolean' },
    yes: { type: 'boolean' },
    'no-upload': { type: 'boolean' },
    'no-download': { type: 'boolean' },
    home: { type: 'string' },
  },
  words: [0, 0],
  run: async ({ options, world }) => {
    const url = options.url === undefined ? defaultUrl(world) : parseUrl(options.url);
    const key = parseKey(await keyFrom(options, world));
    if (isReadableOnTheWay(url)) warn(world, `${url.origin} is not https: the key can be read on the way`);
    const session = { url, key };
    const api = apiAs(session, world);
    const me = await api.ask('GET', '/api/auth/me', meAnswer);
    await keepSession(world, session);
    say(world, `logged in at ${url.origin} as ${printable(me.username)}`);
    const { home } = options;
    const wantsUpload = !options['no-upload'];
    const wantsDownload = !options['no-download'];
    if (!me.permissions.includes(OWN_SECRETS)) {
      if (wantsUpload || wantsDownload) say(world, `no secrets of your own: that takes ${OWN_SECRETS}`);
      return;
    }
    if (wantsUpload) await offerUpload(api, world, { home, isYes: options.yes === true });
    if (wantsDownload) await offerDownload(api, world, { home, isYes: options.yes === true });
  },
});

async function keyFrom(
  options: { readonly key?: string | undefined; readonly 'key-stdin'?: boolean | undefined },
  world: World,
): Promise<string> {
  if (options.key !== undefined && options['key-stdin']) throw wrongUsage('--key or --key-stdin, not both');
  if (options.key !== undefined) return options.key;
  if (options['key-stdin']) return (await readInput(world)) ?? '';
  if (!world.terminal) throw wrongUsage('there is nobody to ask for the key: --key-stdin');
  return world.terminal.askHidden('API key: ');
}
