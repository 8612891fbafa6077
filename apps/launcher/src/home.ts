import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isReachableByAll, isRoot } from '@lineclear/servers';

/** Makes the folder that holds everything the house keeps, closed to everyone else. */
export function openHome(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // Servers of root's run as nobody: they pass through, and everything else in here is closed to them.
  if (isRoot() && statSync(home).uid === 0 && isReachableByAll(dirname(home))) chmodSync(home, 0o711);
  for (const name of ['logs', 'runs', 'running', 'compile-cache'])
    mkdirSync(join(home, name), { recursive: true, mode: 0o700 });
}

/** Writes a file for its owner's eyes, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export const readIfThere = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;

/** Passwords that this house made up, one per user of a server, the same at each start. */
export function openPasswords(home: string): (name: string) => string {
  const path = join(home, 'passwords.json');
  const kept = JSON.parse(readIfThere(path) ?? '{}') as Record<string, string>;
  return (name) => {
    const known = kept[name];
    if (known !== undefined) return known;
    const fresh = (kept[name] = randomBytes(24).toString('hex'));
    writePrivate(path, `${JSON.stringify(kept, null, 2)}\n`);
    return fresh;
  };
}
