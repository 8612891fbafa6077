import { BadCredential, FORMATS, place, UnusableFile, type CredentialFormat } from '@lineclear/credentials';
import type { Api } from './api.js';
import { storedFields } from './credential-source.js';
import { CliError } from './domain/cli-error.js';
import { secretNames, standingInStore, type SecretNames } from './domain/secret-names.js';
import { foundHere } from './found-here.js';
import { withManifest } from './placed-lock.js';
import { storedSecrets } from './stored-names.js';
import { askYesNo, machineOf, say, type World } from './world.js';

/** Offers each credential that is in the store and not on this machine, and puts those that are wanted where their tools look. */
export async function offerDownload(
  api: Api,
  world: World,
  { home, isYes }: { readonly home: string | undefined; readonly isYes: boolean },
): Promise<void> {
  const stored = new Set((await storedSecrets(api, 'user')).map(({ name }) => name));
  const here = new Set((await foundHere(world, home)).found.map(({ format }) => format.name));
  for (const format of FORMATS) {
    const names = secretNames(format, format.profiles[0]);
    if (here.has(format.name) || standingInStore(format, names, stored) !== 'there') continue;
    if (format.files.length === 0)
      say(world, `in Lineclear: ${format.name}, for lineclear run and jobs: its tools read no file`);
    else if (
      isYes ||
      (world.terminal && (await askYesNo(world.terminal, `Load ${format.name} down to this machine?`, true)))
    )
      await load(api, world, { format, names, home });
    else if (!world.terminal) say(world, `in Lineclear, not here: ${format.name}; --yes loads it down`);
    else say(world, `not loaded: ${format.name}`);
  }
}

async function load(
  api: Api,
  world: World,
  {
    format,
    names,
    home,
  }: { readonly format: CredentialFormat; readonly names: SecretNames; readonly home: string | undefined },
): Promise<void> {
  const fields = await storedFields(api, names);
  try {
    const placed = await withManifest(world, ({ current, record }) =>
      place(format, fields, machineOf(world, home), { manifest: current, record }),
    );
    for (const { path, outcome } of placed.files) say(world, `loaded: ${format.name}: ${path} (${outcome})`);
  } catch (error) {
    // One that cannot be written keeps none of the others away.
    if (!(error instanceof BadCredential) && !(error instanceof UnusableFile)) throw error;
    say(world, `left alone: ${format.name}: ${new CliError(error.message).message}`);
  }
}
