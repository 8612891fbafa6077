import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError } from './domain/cli-error.js';
import { codeOf } from './own-files.js';

/** Between two tries. */
export const PAUSE_MS = 100;

/**
 * Makes a file that says that this process is at work; gives back what takes it away. The lock of a process that died is
 * taken over. @throws CliError when a living one has it after so many tries; `busy` says what that does
 */
export async function takeLock(path: string, tries: number, busy: string): Promise<() => Promise<void>> {
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
        throw new CliError(`process ${Number.parseInt(holder, 10)} is ${busy}: try again, or remove ${path}`);
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
