import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { UnusableFile } from './errors.js';
import { codeOf, readIfThere } from './machine.js';

/** Where a path really is, through links, which must be in the home folder: a link must not lead a secret out of it. @throws UnusableFile */
export async function resolveInside(home: string, path: string): Promise<string> {
  const root = await realpath(home);
  const real = await realOf(path);
  if (!real.startsWith(root + sep)) throw new UnusableFile(path, 'leads out of the home folder');
  return real;
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path)
      throw new UnusableFile(path, `cannot be reached (${codeOf(error)})`);
  }
  if (await isThere(path)) throw new UnusableFile(path, 'is a link to nothing');
  return join(await realOf(dirname(path)), basename(path));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw new UnusableFile(path, `cannot be reached (${codeOf(error)})`);
  }
}

/** Makes the folders that a file needs, open to the owner alone. Answers with those it made, the innermost first. */
export async function makeFolders(path: string): Promise<string[]> {
  const folder = dirname(path);
  if (await isThere(folder)) return [];
  const outer = await makeFolders(folder);
  try {
    await mkdir(folder, { mode: 0o700 });
    return [folder, ...outer];
  } catch (error) {
    // Made by another in this moment, so it is not ours to take away.
    if (codeOf(error) === 'EEXIST') return outer;
    throw new UnusableFile(folder, `cannot be made (${codeOf(error)})`);
  }
}

/** Takes away the folders that are empty. */
export async function removeEmptyFolders(innermostFirst: readonly string[]): Promise<void> {
  for (const folder of innermostFirst) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error)))
        throw new UnusableFile(folder, `cannot be removed (${codeOf(error)})`);
    }
  }
}

/**
 * Puts content in a file's place at once, so that readers see the old or the new, and nobody else ever sees it: it is
 * written beside it, readable by the owner alone, and renamed. `expected` is what must still be there. @throws UnusableFile
 */
export async function replaceFile(
  path: string,
  content: Buffer,
  mode: number,
  expected?: Buffer | null,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(
      draft,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      await file.writeFile(content);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    if (expected !== undefined) await mustBe(path, expected);
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error instanceof UnusableFile
      ? error
      : new UnusableFile(path, `cannot be written (${codeOf(error)})`);
  }
}

/** Removes a file whose content must still be `expected`. @throws UnusableFile */
export async function removeFile(path: string, expected: Buffer): Promise<void> {
  await mustBe(path, expected);
  try {
    await unlink(path);
  } catch (error) {
    throw new UnusableFile(path, `cannot be removed (${codeOf(error)})`);
  }
}

async function mustBe(path: string, expected: Buffer | null): Promise<void> {
  const now = await readIfThere(path);
  const same = expected === null ? now === undefined : now?.content.equals(expected) === true;
  if (!same) throw new UnusableFile(path, 'was changed by another program just now');
}
