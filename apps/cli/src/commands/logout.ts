import { placedCredentials, withdraw, type PlacedCredential } from '@lineclear/credentials';
import { keysAnswer } from '../answers.js';
import { apiAs } from '../api.js';
import { command } from '../command.js';
import { CliError, EXIT, wrongUsage } from '../domain/cli-error.js';
import { forgetSession, keptSession } from '../own-files.js';
import type { OpenManifest } from '../placed-lock.js';
import { HOME_OPTIONS, HOME_USAGE, withPlaces, type Place } from '../remote-home.js';
import { askYesNo, say, warn, type World } from '../world.js';
import { z } from 'zod';

const SAID = {
  restored: 'as it was',
  'changed since': 'ours is out; what was changed since stays',
  'not ours': 'another value is there by now: left alone',
  gone: 'is not there any more',
} as const;

export const logout = command({
  name: 'logout',
  usage: `[--yes | --keep] [--revoke] ${HOME_USAGE}`,
  about: 'Removes the credentials that were placed here, and forgets the key',
  help: `Asks for each credential that lineclear placed on this machine. What is removed leaves its files byte for byte as they
were; what others changed since is told and kept. --yes removes all, --keep none; a later logout can still remove what was
kept. Works without the server, but for --revoke, which ends the API key itself. --ssh removes what was placed on that host,
and leaves you logged in here.`,
  options: {
    yes: { type: 'boolean' },
    keep: { type: 'boolean' },
    revoke: { type: 'boolean' },
    ...HOME_OPTIONS,
  },
  words: [0, 0],
  run: async ({ options, world }) => {
    if (options.yes && options.keep) throw wrongUsage('--yes or --keep, not both');
    if (options.ssh !== undefined && options.revoke) throw wrongUsage('--ssh or --revoke, not both');
    const isComplete = await withPlaces(world, options, [], async (manifest, place) => {
      const placed = placedCredentials(manifest.current);
      if (placed.length > 0 && !options.yes && !options.keep && !world.terminal)
        throw wrongUsage(
          `${placed.length} credentials are placed here, and nobody is there to ask: --yes or --keep`,
        );
      return withdrawWanted(placed, manifest, place, world, options);
    });
    if (options.ssh !== undefined) return isComplete ? EXIT.ok : EXIT.failed;
    if (options.revoke) await revokeKey(world);
    say(world, (await forgetSession(world)) ? 'logged out' : 'was not logged in');
    return isComplete ? EXIT.ok : EXIT.failed;
  },
});

/** Withdraws what is wanted, and keeps after each what is left. One that cannot be withdrawn does not hold up the others. */
async function withdrawWanted(
  placed: readonly PlacedCredential[],
  manifest: OpenManifest,
  { machine, shown }: Place,
  world: World,
  { yes, keep }: { readonly yes?: boolean | undefined; readonly keep?: boolean | undefined },
): Promise<boolean> {
  let current = manifest.current;
  let isComplete = true;
  for (const one of placed) {
    const what = `${one.format} (${one.profile})`;
    const where = one.paths.map(shown).join(', ');
    const isWanted =
      !keep &&
      (yes || !world.terminal || (await askYesNo(world.terminal, `Remove ${what} from ${where}?`, true)));
    if (!isWanted) {
      say(world, `kept: ${what} in ${where}`);
      continue;
    }
    try {
      const withdrawn = await withdraw(one, machine, current);
      current = withdrawn.manifest;
      await manifest.record(current);
      for (const { path, outcome } of withdrawn.files)
        say(world, `removed: ${what}: ${shown(path)}: ${SAID[outcome]}`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      isComplete = false;
      warn(world, `${what} is still here: ${error.message}`);
    }
  }
  return isComplete;
}

/** Ends the key that is kept here. The server shows of each key how it begins. @throws CliError */
async function revokeKey(world: World): Promise<void> {
  const session = await keptSession(world);
  if (!session) throw new CliError('there is no key to revoke', EXIT.notLoggedIn);
  const api = apiAs(session, world);
  const { api_keys } = await api.ask('GET', '/api/auth/api-keys', keysAnswer, { query: { limit: 100 } });
  const [mine, another] = api_keys.filter(({ key_prefix: start }) => session.key.reveal().startsWith(start));
  if (!mine || another) throw new CliError('the server does not tell which key this is: nothing is revoked');
  await api.ask('DELETE', `/api/auth/api-keys/${mine.id}`, z.object({ success: z.literal(true) }));
  say(world, 'the key is revoked');
}
