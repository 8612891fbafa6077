import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readManifest, writeManifest, type Manifest } from '@lineclear/credentials';
import { CliError } from './domain/cli-error.js';
import { codeOf, manifestPath } from './own-files.js';
import { timeoutSecondsOf } from './timeout.js';
import { ownFolderOf, type World } from './world.js';

const PAUSE_MS = 100;

/** The manifest of what is placed, while nobody else may change it. */
export interface OpenManifest {
  readonly current: Manifest;
  readonly record: (manifest: Manifest) => Promise<void>;
}

/** Works with the manifest alone: of two commands at once the second waits for LINECLEAR_TIMEOUT_SECONDS. @throws CliError, UnusableFile */
export async function withManifest<T>(
  world: World,
  work: (manifest: OpenManifest) => Promise<T>,
): Promise<T> {
  const folder = ownFolderOf(world);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const release = await takeLock(join(folder, 'placed.lock'), (timeoutSecondsOf(world) * 1_000) / PAUSE_MS);
  try {
    const path = manifestPath(world);
    return await work({
      current: await readManifest(path),
      record: (manifest) => writeManifest(path, manifest),
    });
  } finally {
    await release();
  }
}

async function takeLock(path: string, tries: number): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const text = `${process.pid} ${randomBytes(6).toString('hex')}`;
  await writeFile(mine, text, { mode: 0o600, flag: 'wx' });
  try {
    for (let left = tries; ; left -= 1) {
      if (await takes(mine, path)) break;
      const holder = await readIfThere(path);
      if (holder === undefined) continue;
      if (!isAlive(Number.parseInt(holder, 10))) {
        await removeStale(path, holder);
        continue;
      }
      if (left <= 0)
        throw new CliError(
          `process ${Number.parseInt(holder, 10)} is placing credentials: try again, or remove ${path}`,
        );
      await pause(PAUSE_MS);
    }
  } finally {
    await unlink(mine);
  }
  return async () => {
    if ((await readIfThere(path)) === text) await unlink(path);
  };
}

// A hard link is made whole, with what it says, or is refused because the name is taken.
async function takes(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new CliError(`${path} cannot be made (${codeOf(error)})`);
  }
}

/** Moves the lock of a dead process away, and gives it back if it was a living one's by then. */
async function removeStale(path: string, holder: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new CliError(`${path} cannot be taken over (${codeOf(error)})`);
  }
  if ((await readIfThere(aside)) !== holder) await takes(aside, path);
  await unlink(aside);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CliError(`${path} cannot be read (${codeOf(error)})`);
  }
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
