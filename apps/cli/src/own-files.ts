import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Hidden } from '@lineclear/credentials';
import { z } from 'zod';
import { CliError, EXIT } from './domain/cli-error.js';
import { ownFolderOf, type World } from './world.js';

const OTHERS = 0o077;
const MAX_BYTES = 65_536;
const DEFAULT_URL = 'http://127.0.0.1:8080';

const onDisk = z.strictObject({ url: z.url().max(2_048), api_key: z.string().min(1).max(4_096) });

/** Whom to ask, and as whom. */
export interface Session {
  readonly url: URL;
  readonly key: Hidden<string>;
}

export const manifestPath = (world: World): string => join(ownFolderOf(world), 'placed.json');
const sessionPath = (world: World): string => join(ownFolderOf(world), 'cli.json');

/** The address that a login without --url means. @throws CliError */
export const defaultUrl = (world: World): URL => parseUrl(world.env['LINECLEAR_URL'] || DEFAULT_URL);

/** An address of a Lineclear. @throws CliError for another scheme, or a password in it, which would be printed. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && [url.username, url.password, url.search, url.hash].every((part) => part === '');
  if (!isPlain || !['http:', 'https:'].includes(url.protocol))
    throw new CliError('the address must be http(s)://host[:port]', EXIT.usage);
  return url;
}

/** A key as it can be sent. @throws CliError, without the key */
export function parseKey(text: string): Hidden<string> {
  const key = text.trim();
  if (!/^[!-~]{1,4096}$/.test(key)) throw new CliError('that is no API key', EXIT.usage);
  return new Hidden(key);
}

/** Whether what is sent there can be read on the way. */
export const isReadableOnTheWay = (url: URL): boolean =>
  url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);

/**
 * Who we are: LINECLEAR_API_KEY, else the key that a login kept, which is sent to the address that it was kept for and to no
 * other. @throws CliError when there is none
 */
export async function currentSession(world: World): Promise<Session> {
  const key = world.env['LINECLEAR_API_KEY'];
  const told = world.env['LINECLEAR_URL'];
  const kept = await keptSession(world);
  if (key) return { url: told ? parseUrl(told) : (kept?.url ?? defaultUrl(world)), key: parseKey(key) };
  if (!kept) throw new CliError('not logged in: lineclear login', EXIT.notLoggedIn);
  if (told && parseUrl(told).href !== kept.url.href)
    throw new CliError(`not logged in at ${parseUrl(told).href}: lineclear login --url …`, EXIT.notLoggedIn);
  return kept;
}

/** What a login kept; undefined where there was none. @throws CliError when it is open to others or is not ours to read */
export async function keptSession(world: World): Promise<Session | undefined> {
  const path = sessionPath(world);
  let text: string;
  try {
    const stat = await lstat(path);
    if (!stat.isFile()) throw new CliError(`${path} is not a regular file`);
    if ((stat.mode & OTHERS) !== 0) throw new CliError(`${path} is open to others: chmod 600 it`);
    if (stat.size > MAX_BYTES) throw new CliError(`${path} is larger than ${MAX_BYTES} bytes`);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      text = await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error instanceof CliError ? error : new CliError(`${path} cannot be read (${codeOf(error)})`);
  }
  const { data } = onDisk.safeParse(parseJson(text));
  if (!data) throw new CliError(`${path} is not what a login keeps: lineclear logout, or remove it`);
  return { url: parseUrl(data.url), key: parseKey(data.api_key) };
}

/** Keeps who we are, readable by the owner alone, in one step. @throws CliError */
export async function keepSession(world: World, { url, key }: Session): Promise<void> {
  const path = sessionPath(world);
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ url: url.href, api_key: key.reveal() })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw new CliError(`${path} cannot be written (${codeOf(error)})`);
  }
}

/** Forgets who we are. @returns whether we knew. @throws CliError */
export async function forgetSession(world: World): Promise<boolean> {
  const path = sessionPath(world);
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw new CliError(`${path} cannot be removed (${codeOf(error)})`);
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
