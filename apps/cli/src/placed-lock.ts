import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest, writeManifest, type Manifest } from '@lineclear/credentials';
import { PAUSE_MS, takeLock } from './file-lock.js';
import { manifestPath } from './own-files.js';
import { timeoutSecondsOf } from './timeout.js';
import { ownFolderOf, type World } from './world.js';

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
  const tries = (timeoutSecondsOf(world) * 1_000) / PAUSE_MS;
  const release = await takeLock(join(folder, 'placed.lock'), tries, 'placing credentials');
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
