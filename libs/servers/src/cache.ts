import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wantedCacheFolder } from './config.js';
import { isReachableByAll, isRoot, openRootFolder } from './unprivileged.js';

const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** The folder for unpacked servers; as root one that the user "nobody" can reach. */
export function cacheFolder(): string {
  const wanted = wantedCacheFolder();
  if (isRoot() && !isReachableByAll(wanted)) {
    return openRootFolder(['/var/cache/lineclear', '/var/tmp/lineclear-cache']);
  }
  mkdirSync(wanted, { recursive: true, mode: 0o755 });
  return wanted;
}

/**
 * A folder of the cache that is filled once. It is filled under another name and renamed, so a second process that starts
 * at the same moment, or one that was killed half way, never sees or leaves half a folder.
 */
export async function fillOnce(
  name: string,
  fill: (folder: string) => Promise<void> | void,
): Promise<string> {
  const cache = cacheFolder();
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  sweepAbandoned(cache);
  const half = join(cache, `.half-${name}-${randomBytes(6).toString('hex')}`);
  mkdirSync(half, { mode: 0o755 });
  try {
    await fill(half);
    if (isRoot()) openToReaders(half);
    renameSync(half, folder);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function sweepAbandoned(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith('.half-'))) {
    const at = statSync(join(cache, name), { throwIfNoEntry: false });
    if (at !== undefined && Date.now() - at.mtimeMs > ABANDONED_AFTER_MS) {
      rmSync(join(cache, name), { recursive: true, force: true });
    }
  }
}

// Root may have a umask of 077; the servers run as nobody and must read what was unpacked.
function openToReaders(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = statSync(path);
    chmodSync(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}
