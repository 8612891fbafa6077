import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Whether the process that had this pid and this start time still lives. A pid alone says little: it is given out anew. The
 * start time is what `/proc/<pid>/stat` says, or `ps -o lstart=` where there is no /proc.
 */
export async function isAlive(pid: number, startTime: string): Promise<boolean> {
  const now = (await fromProc(pid)) ?? (process.platform === 'linux' ? undefined : await fromPs(pid));
  return now !== undefined && now.state !== 'Z' && now.startTime === startTime;
}

async function fromProc(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the command in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

async function fromPs(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const [, state = '', startTime = ''] = /^(\S)\S*\s+(.*)/s.exec(stdout.trim()) ?? [];
    return { state, startTime };
  } catch {
    return undefined;
  }
}
