import {
  discover,
  findCredentials,
  formatNamed,
  placedCredentials,
  readManifest,
  type CredentialFormat,
  type Found,
  type Problem,
  type Values,
} from '@lineclear/credentials';
import { CliError } from './domain/cli-error.js';
import { secretNames, type SecretNames } from './domain/secret-names.js';
import { manifestPath } from './own-files.js';
import { machineOf, type World } from './world.js';

/** A credential on this machine, with the names its fields have in the store. */
export interface FoundHere {
  readonly format: CredentialFormat;
  readonly found: Found;
  readonly names: SecretNames;
  readonly isPlaced: boolean;
}

/** What is on this machine, and why some files could not be read. */
export interface Here {
  /** Those that tools use when nobody tells them another profile. */
  readonly found: readonly FoundHere[];
  /** Those that were placed for another profile, which tools are told of. */
  readonly placed: readonly FoundHere[];
  readonly problems: readonly Problem[];
}

/** Every credential on this machine. @throws UnusableFile when the record of what was placed cannot be read. */
export async function foundHere(world: World, home?: string): Promise<Here> {
  const machine = machineOf(world, home);
  const [{ found, problems }, manifest] = await Promise.all([
    discover(machine),
    readManifest(manifestPath(world)),
  ]);
  const isFound = (format: string, profile: string): boolean =>
    found.some((one) => one.format === format && profileOf(one) === profile);
  const recorded = placedCredentials(manifest);
  const isRecorded = (one: Found): boolean =>
    recorded.some(({ format, profile }) => format === one.format && profile === profileOf(one));
  const placed: FoundHere[] = [];
  const further: Problem[] = [];
  for (const { format: name, profile } of recorded) {
    const format = formatNamed(name);
    if (!format || isFound(name, profile)) continue;
    try {
      const one = await findCredentials(format, machine, { profile });
      if (one) placed.push(...withNames(one, true));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      further.push({ format: name, why: error.message });
    }
  }
  return {
    found: found.flatMap((one) => withNames(one, isRecorded(one))),
    placed,
    problems: [
      ...problems,
      ...further.filter(({ format }) => problems.every((one) => one.format !== format)),
    ],
  };
}

/** The credential of one format that tools on this machine have. @throws CliError when there is none */
export async function credentialHere(
  format: CredentialFormat,
  profile: string | undefined,
  world: World,
): Promise<FoundHere> {
  const found = await findCredentials(format, machineOf(world), profile === undefined ? {} : { profile });
  const [here] = found ? withNames(found) : [];
  if (!here) throw new CliError(`there are no credentials of ${format.title} on this machine`);
  return here;
}

function withNames(found: Found, isPlaced = false): FoundHere[] {
  const format = formatNamed(found.format);
  return format ? [{ format, found, names: secretNames(format, profileOf(found)), isPlaced }] : [];
}

export const profileOf = ({ from }: Found): string | undefined =>
  from.kind === 'file' ? from.profile : undefined;

/** Where it was found, for people. */
export const placeOf = ({ from }: Found): string =>
  from.kind === 'file' ? from.paths.join(', ') : from.variables.map((name) => `$${name}`).join(', ');

/** What there is of a credential, by the names of the store. */
export const namedValues = (names: SecretNames, values: Values): [name: string, value: string][] =>
  Object.entries(values).flatMap(([field, value]): [string, string][] => {
    const name = names[field];
    return name === undefined ? [] : [[name, value]];
  });
