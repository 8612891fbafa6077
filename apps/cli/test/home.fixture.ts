import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A home folder of a test. */
export interface Home {
  readonly path: string;
  readonly put: (below: string, content: string, mode?: number) => Promise<void>;
  readonly read: (below: string) => Promise<string>;
  readonly modeOf: (below: string) => Promise<number>;
  /** Every file and folder but our own, with its mode and content. */
  readonly tree: () => Promise<Record<string, string>>;
  readonly remove: () => Promise<void>;
}

export async function makeHome(): Promise<Home> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'lineclear-cli-')));
  const at = (below: string): string => join(path, below);
  const modeOf = async (below: string): Promise<number> => (await lstat(at(below))).mode & 0o7777;
  return {
    path,
    modeOf,
    put: async (below, content, mode = 0o600) => {
      await mkdir(dirname(at(below)), { recursive: true });
      await writeFile(at(below), content);
      await chmod(at(below), mode);
    },
    read: (below) => readFile(at(below), 'utf8'),
    tree: async () => {
      const names = (await readdir(path, { recursive: true })).filter(
        (name) => !name.startsWith('.lineclear'),
      );
      const entries = names.sort().map(async (name) => {
        const isFile = (await lstat(at(name))).isFile();
        return [
          name,
          `${(await modeOf(name)).toString(8)} ${isFile ? await readFile(at(name), 'base64') : ''}`,
        ];
      });
      return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
