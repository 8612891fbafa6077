import { BadDotenv } from '@lineclear/kit';
import { setAnswer, versionsAnswer } from '../answers.js';
import { openApi, Refusal, type Api } from '../api.js';
import { command } from '../command.js';
import { CliError, EXIT, wrongUsage } from '../domain/cli-error.js';
import {
  BadImport,
  formatOfFile,
  IMPORT_FORMATS,
  importEntries,
  type ImportEntry,
  type ImportFormat,
} from '../import-entries.js';
import { table } from '../domain/printable.js';
import { isSecretName, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { show } from '../show.js';
import { storedSecrets, type Scope } from '../stored-names.js';
import { readInput, type World } from '../world.js';
import { readSmallFile } from './secrets-set.js';

interface Imported {
  readonly name: string;
  readonly outcome: 'set' | 'set again' | 'kept' | 'refused';
  readonly version?: number;
  readonly why?: string;
}

export const secretsImport = command({
  name: 'secrets import',
  usage: `FILE [--format dotenv|json] [--overwrite] [--dry-run] ${SECRET_USAGE}`,
  about: 'Sets the secrets of a dotenv or JSON file (- is stdin)',
  help: `What is there already is kept, so that a second import changes nothing; --overwrite sets it to the value of the file,
unless somebody else changed it meanwhile. --dry-run tells what would be done. JSON is an object of names and texts; a file's name says
which it is, or --format.`,
  options: {
    ...SECRET_OPTIONS,
    format: { type: 'string' },
    overwrite: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  words: [1, 1],
  run: async ({ options, words: [file = '-'], world }) => {
    const scope = scopeFrom(options);
    const format = IMPORT_FORMATS.find((one) => one === (options.format ?? formatOfFile(file)));
    if (!format) throw wrongUsage('--format takes dotenv or json');
    const entries = entriesOf(await textOf(file, world), file, format);
    const api = await openApi(world);
    const stored = new Map((await storedSecrets(api, scope)).map(({ name, version }) => [name, version]));
    const { overwrite = false, 'dry-run': isDry = false } = options;
    const imported: Imported[] = [];
    for (const entry of entries) {
      const current = stored.get(entry.name);
      const why = whyNot(entry);
      if (why !== undefined) imported.push({ name: entry.name, outcome: 'refused', why });
      else if (current !== undefined && !overwrite)
        imported.push({ name: entry.name, outcome: 'kept', version: current });
      else if (isDry) imported.push({ name: entry.name, outcome: 'set', version: (current ?? 0) + 1 });
      else imported.push(await set(api, scope, entry, current));
    }
    const rows = imported.map(({ name, outcome, version, why = '' }) => [
      name,
      isDry && outcome === 'set' ? 'would be set' : outcome,
      version === undefined ? '' : String(version),
      why,
    ]);
    show(world, options, { dry_run: isDry, imported }, () =>
      table(['NAME', 'OUTCOME', 'VERSION', 'WHY'], rows),
    );
    return imported.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.ok;
  },
});

async function textOf(file: string, world: World): Promise<string> {
  if (file !== '-') return readSmallFile(file);
  const text = await readInput(world);
  if (text === undefined) throw new CliError('stdin has more than 1 MiB');
  return text;
}

function entriesOf(text: string, file: string, format: ImportFormat): readonly ImportEntry[] {
  try {
    return importEntries(text, format);
  } catch (error) {
    if (error instanceof BadDotenv || error instanceof BadImport)
      throw new CliError(`${file}: ${error.message}`);
    throw error;
  }
}

function whyNot({ name, value }: ImportEntry): string | undefined {
  if (!isSecretName(name)) return 'is no name of a secret';
  return value === '' ? 'is empty' : undefined;
}

/** Sets one, if it still is in the version that was seen. What the server refuses does not hold up the others. */
async function set(
  api: Api,
  scope: Scope,
  { name, value }: ImportEntry,
  current: number | undefined,
): Promise<Imported> {
  try {
    const body = { name, value, scope, expected_version: current ?? 0 };
    const { version } = await api.ask('POST', '/api/secrets', setAnswer, { body });
    const isSame = current !== undefined && (await isSameAs(api, scope, name, current));
    return { name, outcome: isSame ? 'set again' : 'set', ...(version === undefined ? {} : { version }) };
  } catch (error) {
    if (error instanceof Refusal && [400, 409, 413, 422].includes(error.status))
      return { name, outcome: 'refused', why: error.message };
    throw error;
  }
}

/** Whether the value of an older version is the current one's. */
async function isSameAs(api: Api, scope: Scope, name: string, older: number): Promise<boolean> {
  const { versions } = await api.ask('GET', `/api/secrets/${name}/versions`, versionsAnswer, {
    query: { scope },
  });
  return versions.some(({ version, is_same_as_current: isSame }) => version === older && isSame);
}
