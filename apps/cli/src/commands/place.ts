import { formatNamed, place as placeHere, type CredentialFormat, type Values } from '@lineclear/credentials';
import { z } from 'zod';
import { command } from '../command.js';
import { CliError, wrongUsage } from '../domain/cli-error.js';
import { parseJson } from '../own-files.js';
import { withManifest } from '../placed-lock.js';
import { machineOf, readInput, say, type Terminal, type World } from '../world.js';

const given = z.record(z.string().max(100), z.string().max(262_144));
const SAID = {
  written: 'written',
  unchanged: 'has it already',
  kept: 'another one is there and stays; --overwrite replaces it until logout',
} as const;

export const place = command({
  name: 'place',
  usage: 'FORMAT [--profile NAME] [--overwrite] [--home DIR]',
  about: 'Puts a credential into the files that its tools read, until logout',
  help: `Asks for its fields, or reads them from stdin as JSON: {"token": "…"}. The formats and their fields are those of
lineclear credentials --all. What stood there before is kept, and comes back with lineclear logout.`,
  options: {
    profile: { type: 'string' },
    overwrite: { type: 'boolean' },
    home: { type: 'string' },
  },
  words: [1, 1],
  run: async ({ options, words: [name = ''], world }) => {
    const format = formatNamed(name);
    if (!format) throw wrongUsage('there is no such format: lineclear credentials --all');
    const values = await (world.terminal ? askForFields(format, world.terminal) : fieldsFrom(world));
    const { profile, overwrite = false } = options;
    const placed = await withManifest(world, ({ current, record }) =>
      placeHere(format, values, machineOf(world, options.home), {
        manifest: current,
        record,
        overwrite,
        ...(profile === undefined ? {} : { profile }),
      }),
    );
    for (const { path, outcome } of placed.files) say(world, `${path}: ${SAID[outcome]}`);
    if (placed.outcome === 'kept') throw new CliError(`${format.name} is not placed: another one is there`);
  },
});

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
