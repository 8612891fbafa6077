import { randomBytes } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Conflict, Unavailable } from '@lineclear/kit';

const OTHERS = 0o077n;
export const MAX_FILE_BYTES = 1_048_576;

/** Tells one content of a file from the next without reading it. */
export type FileMark = string;

/** The mark of what is at a path, or undefined where nothing is. @throws Unavailable when it cannot be looked at */
export async function markOf(path: string): Promise<FileMark | undefined> {
  try {
    return mark(await stat(path, { bigint: true }));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw refused(path, `cannot be looked at (${codeOf(error)})`);
  }
}

/** The text of a file that only this user (or root) may read and write, or undefined where there is none. @throws Unavailable with the path and why, never with content */
export async function readPrivateFile(
  path: string,
): Promise<{ readonly text: string; readonly mark: FileMark } | undefined> {
  try {
    // A pipe in its place must not hold us up.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // What was opened is judged, not what the path may point to a moment later.
      const stats = await file.stat({ bigint: true });
      judge(path, stats);
      const bytes = await file.readFile();
      if (bytes.length > MAX_FILE_BYTES) throw refused(path, TOO_LARGE);
      const text = bytes.toString('utf8');
      bytes.fill(0);
      return { text, mark: mark(stats) };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    if (error instanceof Unavailable) throw error;
    throw refused(path, `cannot be read (${codeOf(error)})`);
  }
}

/**
 * Puts a text in the place of a file, or makes the file: whole or not at all, and at no moment open to others. `before` is
 * the mark of what was read (undefined for no file). @throws Conflict when someone else changed it since, Unavailable when it cannot be written
 */
export async function replacePrivateFile(
  path: string,
  text: string,
  before: FileMark | undefined,
): Promise<void> {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw new Conflict(`${path} would be too large (1 MiB)`);
  let draft: string | undefined;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // A link stays one: the file it leads to is replaced.
    const target = before === undefined ? path : await realpath(path);
    const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
    const file = await open(
      beside,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    draft = beside;
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await markOf(path)) !== before)
      throw new Conflict(
        `${path} was changed by someone else at the same time: nothing was written, try again`,
      );
    await rename(draft, target);
    draft = undefined;
    await syncFolder(dirname(target));
  } catch (error) {
    if (error instanceof Conflict || error instanceof Unavailable) throw error;
    throw refused(path, `cannot be written (${codeOf(error)})`);
  } finally {
    if (draft !== undefined) await unlink(draft).catch(() => undefined);
  }
}

const TOO_LARGE = 'is larger than 1 MiB';

function judge(path: string, stats: BigIntStats, me = process.getuid?.()): void {
  if (!stats.isFile()) throw refused(path, 'is not a regular file');
  // Root could read it anyway; what is mounted into a container is often root's.
  if (me !== undefined && stats.uid !== 0n && stats.uid !== BigInt(me))
    throw refused(path, 'belongs to another user');
  if ((stats.mode & OTHERS) !== 0n)
    throw refused(path, `is open to others (mode ${(stats.mode & 0o777n).toString(8)}): chmod 600 it`);
  if (stats.size > BigInt(MAX_FILE_BYTES)) throw refused(path, TOO_LARGE);
}

const mark = ({ dev, ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): FileMark =>
  [dev, ino, size, mtimeNs, ctimeNs, mode].join(' ');

/** Without this a crash of the machine could bring the old content back. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const refused = (path: string, why: string): Unavailable =>
  new Unavailable(`the file of secrets ${path} ${why}`);
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
