import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** One process, told apart from a later one that was given the same pid by when it started. */
export interface ProcessMark {
  readonly pid: number;
  readonly startedAt: string;
}

/** The mark of a process that lives now. */
export function markOf(pid: number): ProcessMark | undefined {
  const startedAt = process.platform === 'linux' ? linuxStart(pid) : psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startedAt === mark.startedAt;
}

function linuxStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22 counts from the boot; the name in field 2 may hold blanks and brackets, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function psStart(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

export interface PidFile {
  readonly child: ProcessMark;
  readonly parent: ProcessMark;
  readonly port?: number;
}

export function writePidFile(path: string, content: PidFile): void {
  writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function readPidFile(path: string): PidFile | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PidFile;
  } catch {
    return undefined;
  }
}

export const removePidFile = (path: string): void => rmSync(path, { force: true });

/**
 * Ends the process of a pid file whose parent died without ending it. A process whose parent lives is somebody's: that is
 * an error. Only the very process that was written down is touched, never one of the same name or a recycled pid.
 */
export async function endLeftover(
  path: string,
  what: string,
  signal: NodeJS.Signals,
  deadlineMs = 15_000,
): Promise<void> {
  const file = readPidFile(path);
  if (file === undefined || !isAlive(file.child)) return removePidFile(path);
  if (isAlive(file.parent)) {
    throw new Error(
      `${what} is already run by process ${file.parent.pid} (as process ${file.child.pid}, see ${path})`,
    );
  }
  await endProcess(file.child, signal, deadlineMs);
  removePidFile(path);
}

/** Asks a process that is not our child to end, and makes it end when the deadline has passed. */
export async function endProcess(
  mark: ProcessMark,
  signal: NodeJS.Signals,
  deadlineMs: number,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  let killed = false;
  trySignal(mark.pid, signal);
  while (isAlive(mark)) {
    if (!killed && Date.now() > deadline) {
      trySignal(mark.pid, 'SIGKILL');
      killed = true;
    }
    await delay(20);
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
