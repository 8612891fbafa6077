import type { CredentialFormat, Values } from '@lineclear/credentials';
import { z } from 'zod';
import { openApi, type Api } from './api.js';
import { CliError, EXIT, wrongUsage } from './domain/cli-error.js';
import { secretNames, type SecretNames } from './domain/secret-names.js';
import { credentialHere } from './found-here.js';
import { parseJson } from './own-files.js';
import { revealed } from './revealed.js';
import { readInput, type Terminal, type World } from './world.js';

export interface Asked {
  readonly format: CredentialFormat;
  readonly profile: string | undefined;
  readonly isFromStore: boolean;
  readonly isFromMachine: boolean;
}

const given = z.record(z.string().max(100), z.string().max(262_144));

/** The fields of a credential: out of Lineclear, off this machine, or asked for. @throws CliError */
export async function credentialValues(
  { format, profile, isFromStore, isFromMachine }: Asked,
  world: World,
): Promise<Values> {
  if (isFromMachine) return (await credentialHere(format, profile, world)).found.values.reveal();
  if (!isFromStore) return world.terminal ? askForFields(format, world.terminal) : fieldsFrom(world);
  const values = await storedFields(await openApi(world), secretNames(format, profile));
  if (Object.keys(values).length === 0)
    throw new CliError(`there is no ${format.name} of your own in Lineclear`, EXIT.refused);
  return values;
}

/** What of a credential is in the store, by the names of its fields. @throws CliError */
export async function storedFields(api: Api, names: SecretNames): Promise<Values> {
  const values = await revealed(api, 'user', Object.values(names));
  return Object.fromEntries(
    Object.entries(names).flatMap(([field, name]) => {
      const value = values.get(name);
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

async function askForFields(format: CredentialFormat, terminal: Terminal): Promise<Values> {
  const values: Record<string, string> = {};
  for (const { name, kind, required, secret } of format.fields) {
    if (kind === 'text' && required)
      throw wrongUsage(`${name} has several lines: give the fields as JSON on stdin`);
    if (kind === 'text') continue;
    const question = `${name}${required ? '' : ' (Enter for none)'}: `;
    const value = await (secret ? terminal.askHidden(question) : terminal.ask(question));
    if (value !== '' || required) values[name] = value;
  }
  return values;
}

async function fieldsFrom(world: World): Promise<Values> {
  const { data } = given.safeParse(parseJson((await readInput(world)) ?? ''));
  if (!data) throw wrongUsage('stdin takes the fields as JSON: {"api_key": "…"}');
  return data;
}
