import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { removeSecrets } from './placed-secrets.js';
import type { RunFolder } from './run-folder.js';

/** Sees to it that a run that was not begun never is, and clears its place for another start; false where it was begun. */
export async function forestall(folder: RunFolder): Promise<boolean> {
  if (!(await folder.take())) return false;
  await removeSecrets(folder.path);
  try {
    // Not removed: a supervisor that comes late works in it, and has to find it taken.
    await rename(folder.path, `${folder.path}.${randomUUID()}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return true;
}
