import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const NOBODY = { uid: 65_534, gid: 65_534 } as const;

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Whom servers run as: nobody when we are root (Postgres refuses root, the others need not have it), else ourselves. */
export const serverUser = (): { uid?: number; gid?: number } => (isRoot() ? NOBODY : {});

/** Can any user pass through every folder down to this one? */
export function isReachableByAll(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Makes a folder for root's own use that others can pass through, and refuses one that somebody else prepared. */
export function openRootFolder(candidates: readonly string[]): string {
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
    } catch {
      continue;
    }
    const { uid, mode } = lstatSync(folder);
    const isFolder = lstatSync(folder).isDirectory();
    if (isFolder && uid === 0 && (mode & 0o022) === 0 && isReachableByAll(folder)) return folder;
  }
  throw new Error(`none of ${candidates.join(', ')} can be made a folder of root that others pass through`);
}

/** A new folder for a test's servers and their data: private, and yet one that servers of root's reach. */
export function makeScratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `lineclear-${name}-`));
  if (isRoot()) chmodSync(folder, 0o711);
  return folder;
}

/** The folder of the data of a server: `<dir>/data`, private to the user that the server runs as. */
export function openDataFolder(dir: string, durable: boolean): string {
  mkdirSync(dir, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
  const link = join(dir, 'data');
  if (!isRoot()) {
    mkdirSync(link, { recursive: true, mode: 0o700 });
    return link;
  }
  const there = lstatSync(link, { throwIfNoEntry: false });
  if (there?.isSymbolicLink()) return openElsewhere(readlinkSync(link));
  chmodSync(dir, statSync(dir).mode | 0o011);
  if (isReachableByAll(dir)) return openElsewhere(link);
  if (there !== undefined)
    throw new Error(`${link}: a folder above it is closed to the user "nobody" that the server runs as`);
  // The home of root is closed to everyone else, so the data itself lives where system services keep theirs.
  const base = openRootFolder(['/var/lib/lineclear', '/var/tmp/lineclear-data']);
  sweepForgotten(base);
  const elsewhere = join(base, randomBytes(6).toString('hex'));
  const data = openElsewhere(elsewhere);
  if (!durable) writeFileSync(`${elsewhere}.belongs-to`, link);
  symlinkSync(data, link);
  return data;
}

function openElsewhere(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chownSync(folder, NOBODY.uid, NOBODY.gid);
  return folder;
}

// Only data that was declared not durable is noted as such, and only that is ever swept.
function sweepForgotten(base: string): void {
  for (const note of readdirSync(base).filter((name) => name.endsWith('.belongs-to'))) {
    const folder = join(base, note.slice(0, -'.belongs-to'.length));
    const link = lstatSync(readFileSync(join(base, note), 'utf8'), { throwIfNoEntry: false });
    if (link !== undefined) continue;
    rmSync(folder, { recursive: true, force: true });
    rmSync(join(base, note), { force: true });
  }
}

/** Hands a file or folder that we wrote to the user that the server runs as. */
export function giveToServer(path: string): void {
  if (isRoot()) chownSync(path, NOBODY.uid, NOBODY.gid);
}
