import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.js';
import type { Logger } from './logger.js';
import { Secret } from './secret.js';

const MASTER_KEY_BYTES = 32;
const MAX_FILE_BYTES = 1_024;
const MAX_KEYS = 10;
const OTHERS = 0o077;

/** The 32 bytes that a base64 text stands for; undefined for anything else, so that a typing error is no key. */
export function decodeMasterKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return undefined;
  const bytes = Buffer.from(trimmed, 'base64');
  return bytes.length === MASTER_KEY_BYTES ? bytes : undefined;
}

/** Several keys, one after the other with blanks, commas or line ends between them; undefined when any is none. */
export function decodeMasterKeys(text: string): Buffer[] | undefined {
  const keys = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(decodeMasterKey);
  return keys.length > 0 && keys.length <= MAX_KEYS && keys.every((key) => key !== undefined)
    ? keys
    : undefined;
}

const given = (decode: (text: string) => unknown, complaint: string) =>
  z
    .string()
    .refine((text) => decode(text) !== undefined, complaint)
    .transform((text) => new Secret(text))
    .optional();

/** The two variables that master keys may come from: the path of their file, or themselves as base64. */
export const masterKeyEnv = {
  file: z.string().max(4_096).optional(),
  base64: given(decodeMasterKey, 'is not the base64 of 32 bytes (openssl rand -base64 32)'),
  /** The first one wraps, all of them open. */
  several: given(
    decodeMasterKeys,
    `is not 1 to ${MAX_KEYS} times the base64 of 32 bytes (openssl rand -base64 32), with commas between them`,
  ),
};

/** A file that holds a key, and the variable that names it: what is wrong with the one is told by the other. */
export interface KeyFile {
  readonly path: string;
  readonly variable: string;
}

/** The keys in a file, one per line, or undefined when there is no file. @throws ConfigError when others could read or replace the file, or it holds no key. */
export async function readKeyFile(file: KeyFile, me = process.getuid?.()): Promise<Buffer[] | undefined> {
  const { path } = file;
  try {
    const entry = await lstat(path);
    if (!isTrusted(entry.uid, me))
      throw refused(
        file,
        entry.isSymbolicLink() ? 'is a link that another user made' : 'belongs to another user',
      );
    const opened = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // What was opened is judged, not what the path may point to a moment later.
      const { uid, mode, size, ...stat } = await opened
        .stat()
        .then((s) => ({ uid: s.uid, mode: s.mode, size: s.size, regular: s.isFile() }));
      if (!stat.regular) throw refused(file, 'is not a regular file');
      if (!isTrusted(uid, me)) throw refused(file, 'belongs to another user');
      if ((mode & OTHERS) !== 0)
        throw refused(file, `is open to others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`);
      if (size > MAX_FILE_BYTES) throw refused(file, 'is too large for a key');
      const bytes = await opened.readFile();
      const keys = decodeMasterKeys(bytes.toString('utf8'));
      bytes.fill(0);
      if (keys === undefined) throw refused(file, 'does not hold the base64 of 32 bytes');
      return keys;
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof ConfigError) throw error;
    throw refused(file, `cannot be read (${(error as Error).message})`, error);
  }
}

/**
 * Makes a key file with a new random key, readable by this user alone, unless there is one by now. It appears whole or
 * not at all, so that of several processes that start at once one makes the key and all read the same.
 */
export async function createKeyFile(keyFile: KeyFile): Promise<void> {
  const { path } = keyFile;
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const key = randomBytes(MASTER_KEY_BYTES);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(
      draft,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      await file.writeFile(`${key.toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link fails where a file exists already; a rename would replace it.
    await link(draft, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    await unlink(draft);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw refused(keyFile, `cannot be made (${(error as Error).message})`, error);
  } finally {
    key.fill(0);
  }
}

/** Where a master key comes from, and what depends on it. */
export interface MasterKeySource {
  /** The key itself (or several, see `masterKeyEnv`), as base64. */
  readonly given: Secret | undefined;
  readonly path: string | undefined;
  /** The variable that names the file. */
  readonly variable: string;
  /** What the database holds that only the same key opens ("has secrets"); undefined while any key will do. */
  readonly inUse: string | undefined;
  /** What is told when a key was made: what is lost without it. */
  readonly onMade: string;
}

/** The one key that was given, or that is in the file; where nothing needs one yet the file is made. @throws ConfigError */
export async function findMasterKey(source: MasterKeySource, log: Logger): Promise<Buffer> {
  const [key, ...more] = await findMasterKeys(source, log);
  if (key === undefined || more.length > 0)
    throw new ConfigError(`${source.variable}: ${source.path} holds several keys; one is expected`);
  return key;
}

/** All keys that were given, or that are in the file: the first one wraps, the others only open. @throws ConfigError */
export async function findMasterKeys(source: MasterKeySource, log: Logger): Promise<Buffer[]> {
  const { path, variable } = source;
  const given = source.given && decodeMasterKeys(source.given.reveal());
  if (given) return given;
  if (path === undefined) throw new ConfigError(`set ${variable}`);
  const file = { path, variable };
  const kept = await readKeyFile(file);
  if (kept) return kept;
  // A new key would open nothing of what is here, and would hide that the old one is gone.
  if (source.inUse !== undefined) {
    throw new ConfigError(
      `${variable}: there is no ${path}, but this database ${source.inUse}: bring that key back`,
    );
  }
  await createKeyFile(file);
  log.warn({ path }, source.onMade);
  const made = await readKeyFile(file);
  if (!made) throw refused(file, 'was made and is gone again');
  return made;
}

/** Without this a crash of the machine could lose the file's name, and with it every secret. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

// Root could read the key anyway; files mounted into a container are often root's.
const isTrusted = (uid: number, me: number | undefined): boolean => uid === 0 || uid === me;

const refused = ({ path, variable }: KeyFile, why: string, cause?: unknown): ConfigError =>
  new ConfigError(`${variable}: ${path} ${why}`, { cause });

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
