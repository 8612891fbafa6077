import { BadDotenv } from '@lineclear/kit/dotenv';
import { CLUSTER_OPTIONS, clusterSecrets, onlyWith } from './cluster.js';
import { CliError, EXIT, wrongUsage } from './domain/cli-error.js';
import { clusterEntries } from './domain/cluster-entries.js';
import type { ImportEntry } from './domain/import-entry.js';
import {
  BadImport,
  formatOfFile,
  IMPORT_FORMATS,
  importEntries,
  type ImportFormat,
} from './import-entries.js';
import { readInput, type World } from './world.js';
import { readSmallFile } from './commands/secrets-set.js';

/** Where an import takes its secrets from. */
export const SOURCE_OPTIONS = {
  ...CLUSTER_OPTIONS,
  format: { type: 'string' },
  kubernetes: { type: 'string' },
  prefix: { type: 'string' },
} as const;

type Given = { readonly [Name in keyof typeof SOURCE_OPTIONS]?: string | undefined };

/** The entries of a file, or of a Secret object of a cluster. @throws CliError, KubernetesFailure */
export async function importSource(
  given: Given,
  file: string | undefined,
  world: World,
): Promise<readonly ImportEntry[]> {
  const { kubernetes: name, format } = given;
  if ((name === undefined) === (file === undefined)) throw wrongUsage('a FILE, or --kubernetes NAME');
  if (name === undefined) onlyWith('--kubernetes', given, ['namespace', 'context', 'prefix']);
  if (file !== undefined) return entriesOfFile(file, format ?? formatOfFile(file), world);
  if (format !== undefined) throw wrongUsage('--format is of a FILE');
  return entriesInCluster(name ?? '', given, world);
}

async function entriesInCluster(name: string, given: Given, world: World): Promise<readonly ImportEntry[]> {
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name))
    throw wrongUsage('--kubernetes takes the name of a Secret object');
  const secrets = await clusterSecrets(world, given);
  const found = await secrets.get(name);
  if (!found) throw new CliError(`there is no Secret ${name} in ${secrets.namespace}`, EXIT.refused);
  return clusterEntries(found.data.reveal(), given.prefix ?? `${name}.`);
}

async function entriesOfFile(file: string, asked: string, world: World): Promise<readonly ImportEntry[]> {
  const format = IMPORT_FORMATS.find((one) => one === asked);
  if (!format) throw wrongUsage('--format takes dotenv or json');
  return entriesOf(await textOf(file, world), file, format);
}

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
