import { nothing, setAnswer } from './answers.js';
import { Refusal, type Api } from './api.js';
import { CliError } from './domain/cli-error.js';
import { standingInStore } from './domain/secret-names.js';
import { foundHere, namedValues, placeOf, type FoundHere } from './found-here.js';
import { storedSecrets } from './stored-names.js';
import { askYesNo, say, type World } from './world.js';

/** Offers each credential that is on this machine and not in the store, and keeps those that are wanted as the caller's own. */
export async function offerUpload(
  api: Api,
  world: World,
  { home, isYes }: { readonly home: string | undefined; readonly isYes: boolean },
): Promise<void> {
  const { found, problems } = await foundHere(world, home);
  for (const { format, why } of problems) say(world, `left alone: ${format}: ${why}`);
  const stored = new Set((await storedSecrets(api, 'user')).map(({ name }) => name));
  for (const one of found) {
    const what = `${one.format.name} (${placeOf(one.found)})`;
    const standing = standingInStore(one.format, one.names, stored);
    if (standing === 'there') say(world, `in Lineclear already: ${what}`);
    else if (standing === 'in part')
      say(
        world,
        `left alone: ${what} is in Lineclear in part: lineclear secrets set --provider ${one.format.name}`,
      );
    else if (
      isYes ||
      (world.terminal && (await askYesNo(world.terminal, `Save ${what} in Lineclear?`, false)))
    )
      await save(api, world, one, what);
    else if (!world.terminal) say(world, `not in Lineclear: ${what}; --yes saves it`);
    else say(world, `not saved: ${what}`);
  }
}

/** All of a credential's fields or none: half a key is worse than no key. */
async function save(api: Api, world: World, { found, names }: FoundHere, what: string): Promise<void> {
  const set: string[] = [];
  try {
    for (const [name, value] of namedValues(names, found.values.reveal())) {
      // Only what is not there: another machine may have been first.
      const body = { name, value, scope: 'user', expected_version: 0 };
      await api.ask('POST', '/api/secrets', setAnswer, { body });
      set.push(name);
    }
  } catch (error) {
    for (const name of set)
      await api.ask('DELETE', `/api/secrets/${name}`, nothing, { query: { scope: 'user' } });
    if (error instanceof Refusal && error.status === 409) {
      say(world, `left alone: ${what}: ${error.message}`);
      return;
    }
    if (error instanceof CliError)
      throw new CliError(`${what}: ${error.message}`, error.exitCode, { cause: error });
    throw error;
  }
  say(world, `saved: ${what} as ${set.join(', ')}`);
}
