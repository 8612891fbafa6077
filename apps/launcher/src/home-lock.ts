import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, markOf, type ProcessMark } from '@lineclear/servers';
import { readIfThere } from './home.js';

/**
 * Makes this process the only one that runs the house of this folder. The lock of a process that died is taken over.
 * @returns what gives the lock back
 */
export function lockHome(home: string): () => void {
  const path = join(home, 'launcher.lock');
  const mine = `${path}.${process.pid}`;
  const mark = markOf(process.pid) ?? { pid: process.pid, startedAt: 'unknown' };
  const text = JSON.stringify(mark);
  writeFileSync(mine, text, { mode: 0o600 });
  try {
    if (!takes(mine, path)) {
      const holder = holderOf(path);
      if (holder !== undefined && isAlive(holder)) {
        throw new Error(
          `${home} is in use: process ${holder.pid} runs the house there. End it, or set LINECLEAR_HOME to another folder`,
        );
      }
      rmSync(path, { force: true });
      if (!takes(mine, path) || readIfThere(path) !== text)
        throw new Error(`${home} is being started by another process`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (readIfThere(path) === text) rmSync(path, { force: true });
  };
}

// A hard link either is made whole or is refused because the name is there.
function takes(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(path: string): ProcessMark | undefined {
  try {
    return JSON.parse(readIfThere(path) ?? '') as ProcessMark;
  } catch {
    return undefined;
  }
}
