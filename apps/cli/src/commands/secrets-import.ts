import { setAnswer, versionsAnswer } from '../answers.js';
import { openApi, Refusal, type Api } from '../api.js';
import { CLUSTER_USAGE } from '../cluster.js';
import { command } from '../command.js';
import { EXIT } from '../domain/cli-error.js';
import type { ImportEntry } from '../domain/import-entry.js';
import { table } from '../domain/printable.js';
import { importSource, SOURCE_OPTIONS } from '../import-source.js';
import { isSecretName, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { show } from '../show.js';
import { storedSecrets, type Scope } from '../stored-names.js';

interface Imported {
  readonly name: string;
  readonly outcome: 'set' | 'set again' | 'kept' | 'refused';
  readonly version?: number;
  readonly why?: string;
}

export const secretsImport = command({
  name: 'secrets import',
  usage: `FILE [--format dotenv|json] | --kubernetes NAME [--prefix TEXT] ${CLUSTER_USAGE}
       … [--overwrite] [--dry-run] ${SECRET_USAGE}`,
  about: 'Sets the secrets of a dotenv or JSON file (- is stdin), or of a Kubernetes Secret',
  help: `What is there already is kept, so that a second import changes nothing; --overwrite sets it to the value of the file,
unless somebody else changed it meanwhile. --dry-run tells what would be done. JSON is an object of names and texts; a file's name says
which it is, or --format. --kubernetes takes what a Secret object holds: each key is NAME.key, or begins with --prefix instead.`,
  options: {
    ...SECRET_OPTIONS,
    ...SOURCE_OPTIONS,
    overwrite: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  },
  words: [0, 1],
  run: async ({ options, words: [file], world }) => {
    const scope = scopeFrom(options);
    const entries = await importSource(options, file, world);
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

function whyNot({ name, value, why }: ImportEntry): string | undefined {
  if (!isSecretName(name)) return 'is no name of a secret';
  if (why !== undefined) return why;
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
