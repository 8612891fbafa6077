import { deliver } from '@lineclear/credentials';
import { BadDotenv, parseDotenv, type DotenvEntry } from '@lineclear/kit/dotenv';
import { KnownValues, partsOf } from '@lineclear/redact';
import { command } from '../command.js';
import { CliError, EXIT, wrongUsage } from '../domain/cli-error.js';
import { secretOption, withOffers, type Offer } from '../domain/program-env.js';
import { foundHere, namedValues, type FoundHere } from '../found-here.js';
import { runProgram } from '../run-program.js';
import { homeOf, warn, type World } from '../world.js';
import { readSmallFile } from './secrets-set.js';

export const run = command({
  name: 'run',
  usage: '[--secret NAME[=VARIABLE] …] [--env-file FILE] [--no-mask] [--home DIR] -- PROGRAM …',
  about: 'Runs a program with the credentials of this machine, and hides them in its output',
  help: `Gives it the credentials that lineclear credentials lists in the variables that tools read, or only those that --secret
names, and all of a dotenv file. A variable that is set already stays, and what does not go with it is left out whole.
Where the program prints a value of six characters or more, also in JSON, a URL, base64 or hex, [secret] is shown; --no-mask
shows all, and lets it use the terminal. Its input, signals and exit code are passed on.`,
  options: {
    secret: { type: 'string', multiple: true },
    'env-file': { type: 'string' },
    'no-mask': { type: 'boolean' },
    home: { type: 'string' },
  },
  words: [0, 0],
  takesProgram: true,
  run: async ({ options, after: argv = [], world }) => {
    if (argv.length === 0) throw wrongUsage('there is no program: lineclear run -- PROGRAM …');
    const wanted = options.secret?.map((text) => {
      const option = secretOption(text);
      if (!option) throw wrongUsage('--secret takes NAME or NAME=VARIABLE');
      return option;
    });
    const file = options['env-file'];
    const entries = file === undefined ? [] : await entriesOf(file);
    const { found, placed, problems } = await foundHere(world, options.home);
    const all = [...found, ...placed];
    for (const { format, why } of problems) warn(world, `left out: ${format}: ${why}`);
    const pool = new Map([
      ...all.flatMap(({ names, found: { values } }) => namedValues(names, values.reveal())),
      ...entries.map(({ name, value }): [string, string] => [name, value]),
    ]);
    const chosen = wanted?.map(({ name, variable }): [string, string] => {
      const value = pool.get(name);
      if (value === undefined) throw new CliError(`there is no ${name} on this machine`, EXIT.failed);
      return [variable, value];
    });
    const offers = chosen ? [] : found.map((one) => offerOf(one, homeOf(world, options.home)));
    const { env, left } = withOffers(world.env, offers);
    for (const { from, because } of left)
      warn(world, `left out: ${from}: ${because} has another value already`);
    const added = Object.fromEntries([
      ...entries.map(({ name, value }) => [name, value]),
      ...(chosen ?? []),
    ]) as Record<string, string>;
    const masked = options['no-mask']
      ? undefined
      : new KnownValues(
          secretValues(world, all, Object.values(added))
            .flatMap(partsOf)
            .map((part) => Buffer.from(part)),
        );
    return runProgram({ argv, env: { ...env, ...added }, masked }, world);
  },
});

async function entriesOf(file: string): Promise<DotenvEntry[]> {
  try {
    return parseDotenv(await readSmallFile(file));
  } catch (error) {
    if (error instanceof BadDotenv) throw new CliError(`${file}: ${error.message}`);
    throw error;
  }
}

/** The variables by which a program gets a credential. A file is told of only where it is. */
function offerOf({ format, found }: FoundHere, home: string): Offer {
  const { from, values } = found;
  const profile = from.kind === 'file' ? { profile: from.profile } : {};
  const { env, files } = deliver(format, values.reveal(), { home, ...profile });
  const there: readonly string[] = from.kind === 'file' ? from.paths : [];
  const elsewhere = new Set(files.map(({ path }) => path).filter((path) => !there.includes(path)));
  const entries = Object.entries(env.reveal()).filter(([, value]) => !elsewhere.has(value));
  return { from: format.name, env: Object.fromEntries(entries) };
}

/** All that is secret here: a program may read what it was not given from the files. */
function secretValues(world: World, found: readonly FoundHere[], added: readonly string[]): string[] {
  const own = found.flatMap(({ format, found: { values } }) =>
    format.fields.flatMap(({ name, secret }) => {
      const value = values.reveal()[name];
      return secret && value !== undefined ? [value] : [];
    }),
  );
  const key = world.env['LINECLEAR_API_KEY'];
  return [...own, ...added, ...(key ? [key] : [])];
}
