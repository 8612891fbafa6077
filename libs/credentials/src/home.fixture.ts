import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { CredentialFormat } from './format.js';
import { formatNamed } from './formats.js';
import { machineAt, type Machine } from './machine.js';

/** A real home folder for a test. */
export interface Home {
  readonly path: string;
  readonly machine: Machine;
  readonly at: (path: string) => string;
  readonly put: (path: string, content: string, mode?: number) => Promise<void>;
  readonly read: (path: string) => Promise<string>;
  /** Everything in it: each path with its mode and content. */
  readonly tree: () => Promise<Record<string, string>>;
  readonly remove: () => Promise<void>;
}

export async function makeHome(env: Machine['env'] = {}): Promise<Home> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'lineclear-home-')));
  const at = (below: string): string => join(path, below);
  return {
    path,
    machine: machineAt(path, env),
    at,
    put: async (below, content, mode = 0o600) => {
      await mkdir(dirname(at(below)), { recursive: true, mode: 0o755 });
      await writeFile(at(below), content);
      await chmod(at(below), mode);
    },
    read: (below) => readFile(at(below), 'utf8'),
    tree: async () => {
      const names = await readdir(path, { recursive: true });
      const entries = names.sort().map(async (name) => {
        const stat = await lstat(at(name));
        const content = stat.isFile()
          ? await readFile(at(name), 'base64')
          : stat.isSymbolicLink()
            ? 'link'
            : 'folder';
        return [name, `${(stat.mode & 0o7777).toString(8)} ${content}`];
      });
      return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export function format(name: string): CredentialFormat {
  const found = formatNamed(name);
  if (!found) throw new Error(`there is no format ${name}`);
  return found;
}
