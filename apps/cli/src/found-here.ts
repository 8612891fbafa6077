import {
  discover,
  formatNamed,
  type CredentialFormat,
  type Found,
  type Values,
} from '@lineclear/credentials';
import { secretNames, type SecretNames } from './domain/secret-names.js';
import { machineOf, type World } from './world.js';

/** A credential on this machine, with the names its fields have in the store. */
export interface FoundHere {
  readonly format: CredentialFormat;
  readonly found: Found;
  readonly names: SecretNames;
}

/** Every credential on this machine, and why some files could not be read. */
export async function foundHere(
  world: World,
  home?: string,
): Promise<{ found: FoundHere[]; problems: readonly { format: string; why: string }[] }> {
  const { found, problems } = await discover(machineOf(world, home));
  return { found: found.flatMap(withNames), problems };
}

export function withNames(found: Found): FoundHere[] {
  const format = formatNamed(found.format);
  if (!format) return [];
  const profile = found.from.kind === 'file' ? found.from.profile : undefined;
  return [{ format, found, names: secretNames(format, profile) }];
}

/** Where it was found, for people. */
export const placeOf = ({ from }: Found): string =>
  from.kind === 'file' ? from.paths.join(', ') : from.variables.map((name) => `$${name}`).join(', ');

/** What there is of a credential, by the names of the store. */
export const namedValues = (names: SecretNames, values: Values): [name: string, value: string][] =>
  Object.entries(values).flatMap(([field, value]): [string, string][] => {
    const name = names[field];
    return name === undefined ? [] : [[name, value]];
  });
