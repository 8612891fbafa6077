import { readFile, stat } from 'node:fs/promises';
import { formatNamed } from '@lineclear/credentials';
import type { z } from 'zod';
import { setAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { CliError, wrongUsage } from '../domain/cli-error.js';
import { expiryOf, valueOf, wholeNumber } from '../domain/secret-input.js';
import { credentialHere, namedValues } from '../found-here.js';
import { codeOf } from '../own-files.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';
import { readInput, type World } from '../world.js';

const MAX_FILE_BYTES = 1_048_576;
const MAX_VERSION = 2_147_483_647;

const options = {
  ...SECRET_OPTIONS,
  'from-file': { type: 'string' },
  'from-env': { type: 'string' },
  provider: { type: 'string' },
  profile: { type: 'string' },
  description: { type: 'string' },
  expires: { type: 'string' },
  'expected-version': { type: 'string' },
} as const;

export const secretsSet = command({
  name: 'secrets set',
  usage: `NAME [--from-file FILE | --from-env VARIABLE] | --provider FORMAT [--profile NAME]
       … [--expires 90d] [--description TEXT] [--expected-version N] ${SECRET_USAGE}`,
  about: 'Sets a secret: its first version, or the next one',
  help: `The value is asked for without showing it, or read from stdin, a file or a variable; the newline after a single line is no
part of it. --provider reads a credential of a tool on this machine and sets each of its fields (lineclear credentials
shows the names). --expected-version sets only if that version is the current one, 0 if there is none.`,
  options,
  words: [0, 1],
  run: async ({ options: given, words: [word], world }) => {
    const scope = scopeFrom(given);
    const { description, expires, 'expected-version': expected } = given;
    const more = {
      scope,
      ...(description === undefined ? {} : { description }),
      ...(expires === undefined ? {} : { expires_at: expiryOf(expires, world.now()) }),
      ...(expected === undefined
        ? {}
        : { expected_version: wholeNumber('--expected-version', expected, { min: 0, max: MAX_VERSION }) }),
    };
    const sources = [given['from-file'], given['from-env'], given.provider];
    if (sources.filter((source) => source !== undefined).length > 1)
      throw wrongUsage('--from-file, --from-env or --provider, one of them');
    if (given.profile !== undefined && given.provider === undefined)
      throw wrongUsage('--profile is of a --provider');
    if (given.provider !== undefined && word !== undefined)
      throw wrongUsage('--provider says the names itself');
    const values: [string, string][] =
      given.provider === undefined
        ? [[nameFrom(word), await valueFrom(given, world)]]
        : await credentialOf(given.provider, given.profile, world);
    const api = await openApi(world);
    const answers: z.infer<typeof setAnswer>[] = [];
    for (const [name, value] of values)
      answers.push(await api.ask('POST', '/api/secrets', setAnswer, { body: { name, value, ...more } }));
    show(world, given, given.provider === undefined ? answers[0] : answers, () =>
      answers
        .map(({ name, version, hidden_by: hiddenBy }) =>
          line(
            `${name} is set, version ${version ?? '-'}`,
            hiddenBy === undefined ? '' : `; jobs get it from ${hiddenBy}, which is asked before`,
          ),
        )
        .join(''),
    );
  },
});

async function valueFrom(
  given: { readonly 'from-file'?: string | undefined; readonly 'from-env'?: string | undefined },
  world: World,
): Promise<string> {
  const value = await textFrom(given, world);
  if (value === '') throw wrongUsage('the value is empty');
  return value;
}

async function textFrom(
  { 'from-file': file, 'from-env': variable }: Parameters<typeof valueFrom>[0],
  world: World,
): Promise<string> {
  if (file !== undefined) return valueOf(await readSmallFile(file));
  if (variable !== undefined) {
    const value = world.env[variable];
    if (value === undefined) throw new CliError(`the variable ${variable} is not set`);
    return value;
  }
  if (world.terminal) return world.terminal.askHidden('value: ');
  const text = await readInput(world);
  if (text === undefined) throw new CliError('stdin has more than 1 MiB');
  return valueOf(text);
}

/** The text of a file that a person named, up to 1 MiB. @throws CliError */
export async function readSmallFile(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) throw new CliError(`${path} is larger than 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof CliError) throw error;
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : codeOf(error);
    throw new CliError(`${path} cannot be read (${why})`);
  }
}

async function credentialOf(
  name: string,
  profile: string | undefined,
  world: World,
): Promise<[string, string][]> {
  const format = formatNamed(name);
  if (!format) throw wrongUsage('there is no such provider: lineclear credentials --all');
  const { names, found } = await credentialHere(format, profile, world);
  return namedValues(names, found.values.reveal());
}
