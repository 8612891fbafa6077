import { Malformed } from '../domain/secrets-file.js';
import type { VaultKv } from '../vault/kv.js';
import { VaultFailed } from '../vault/vault-failed.js';
import type { ImportEntry } from './entry.js';

const MAX_PATHS = 1_000;
const MAX_DEPTH = 10;
const AT_ONCE = 8;

type Reader = Pick<VaultKv, 'list' | 'read'>;

/**
 * Every key of every secret at a path of Vault and below it, as `path.key`, from the mount on. A secret that Vault refuses
 * holds up no others. @throws Malformed when there is nothing, or more than an import takes; VaultFailed
 */
export async function readBelow(kv: Reader, mount: string, path: string): Promise<ImportEntry[]> {
  const paths = [...(path === '' ? [] : [path]), ...(await pathsBelow(kv, mount, path))];
  const read = await inParts(paths, (at) => entriesAt(kv, mount, at));
  const entries = read.flat();
  if (entries.length > MAX_PATHS)
    throw new Malformed(`has more than ${MAX_PATHS} secrets below it: import it in parts`);
  if (entries.length === 0) throw new Malformed(`has nothing in it or below it (in ${mount})`);
  return entries;
}

async function pathsBelow(kv: Reader, mount: string, path: string): Promise<string[]> {
  const paths: string[] = [];
  let folders = [path];
  for (let depth = 0; folders.length > 0; depth += 1) {
    if (depth > MAX_DEPTH)
      throw new Malformed(`goes deeper than ${MAX_DEPTH} folders, to ${folders[0]}: import it in parts`);
    const found = (
      await inParts(folders, async (folder) =>
        (await kv.list(mount, folder)).map((name) => (folder === '' ? name : `${folder}/${name}`)),
      )
    ).flat();
    paths.push(...found.filter((at) => !at.endsWith('/')));
    folders = found.filter((at) => at.endsWith('/')).map((at) => at.slice(0, -1));
    if (paths.length + folders.length > MAX_PATHS)
      throw new Malformed(`has more than ${MAX_PATHS} paths below it: import it in parts`);
  }
  return paths;
}

async function entriesAt(kv: Reader, mount: string, path: string): Promise<ImportEntry[]> {
  try {
    const secret = await kv.read(mount, path);
    return [...(secret?.values ?? [])].map(([key, value]) => {
      const entry = { key: `${path}.${key}` };
      return value instanceof VaultFailed
        ? { ...entry, value: '', fault: value.message }
        : { ...entry, value: value.reveal() };
    });
  } catch (error) {
    if (!(error instanceof VaultFailed) || error.fault !== 'denied') throw error;
    return [{ key: path, value: '', fault: 'Vault denies reading it' }];
  }
}

/** A few at a time, in order. */
async function inParts<From, To>(all: readonly From[], each: (one: From) => Promise<To>): Promise<To[]> {
  const done: To[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    done.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(each))));
  return done;
}
