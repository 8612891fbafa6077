import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathFolders, toolEnv } from './config.js';
import { run } from './run.js';
import { isReachableByAll, isRoot } from './unprivileged.js';

// Service managers keep daemons out of a user's PATH; these are where distributions and Homebrew put them.
const ELSEWHERE = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

export interface Installed {
  readonly file: string;
  readonly version: readonly number[];
  readonly words: string;
}

/** Programs of these names that are installed and run, with the version that they tell, in the order of PATH. */
export async function installed(
  names: readonly string[],
  moreFolders: readonly string[] = [],
  versionArgs: readonly string[] = ['--version'],
): Promise<Installed[]> {
  const folders = [...pathFolders(), ...ELSEWHERE, ...moreFolders];
  const files = new Set(folders.flatMap((folder) => names.map((name) => executable(join(folder, name)))));
  const found: Installed[] = [];
  for (const file of files) {
    if (file === undefined) continue;
    const { code, stdout, stderr } = await run(file, versionArgs, { env: toolEnv(), timeoutMs: 10_000 });
    // slapd tells its version on stderr.
    const words = stdout.trim() || stderr.trim();
    const version = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(words);
    if (code !== 0 || version === null) continue;
    found.push({ file, version: version.slice(1).map((part) => Number(part ?? 0)), words });
  }
  return found;
}

function executable(path: string): string | undefined {
  try {
    const file = realpathSync(path);
    accessSync(file, constants.X_OK);
    return isRoot() && !isReachableByAll(file) ? undefined : file;
  } catch {
    return undefined;
  }
}

/** Is this version at least the wanted one, compared part by part? */
export function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [index, part] of wanted.entries()) {
    const here = version[index] ?? 0;
    if (here !== part) return here > part;
  }
  return true;
}

/** The folders of the Postgres versions that Debian, Red Hat, Homebrew and Postgres.app keep side by side, newest first. */
export function postgresFolders(): string[] {
  const bases = [
    '/usr/lib/postgresql',
    '/usr/pgsql-',
    '/opt/homebrew/opt',
    '/usr/local/opt',
    '/Applications/Postgres.app/Contents/Versions',
  ];
  return bases.flatMap((base) => {
    if (base.endsWith('-')) return ['18', '17', '16', '15', '14'].map((major) => `${base}${major}/bin`);
    return entriesOf(base)
      .filter((name) => /^(postgresql@)?\d+$/.test(name) || name === 'latest')
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(base, name, 'bin'));
  });
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
