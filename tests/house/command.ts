import { execFile, spawn } from 'node:child_process';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../apps/cli/bundle/main.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as people do, without a terminal. */
export function runCli(args: readonly string[], env: Record<string, string>, input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH: process.env['PATH'], ...env },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    child.stdin.end(input);
  });
}

/** Runs it at a terminal, types when it asks, and tells all that is shown there. */
export function typeInto(
  args: readonly string[],
  env: Record<string, string>,
  typed: string,
): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(
      'python3',
      ['-c', PSEUDO_TERMINAL, process.execPath, MAIN, ...args],
      { env: { PATH: process.env['PATH'], TYPED: typed, ...env } },
      (_error, stdout) => resolve(stdout),
    );
    child.stdin?.end();
  });
}

/** All files of a home folder but our own. */
export async function filesOf(home: string): Promise<Record<string, string>> {
  const names = (await readdir(home, { recursive: true })).filter((name) => !name.startsWith('.lineclear'));
  const entries = names.sort().map(async (name) => {
    const stat = await lstat(join(home, name));
    const content = stat.isFile() ? await readFile(join(home, name), 'base64') : 'folder';
    return [name, `${(stat.mode & 0o7777).toString(8)} ${content}`];
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}

/** Runs a program at a terminal, types when it is asked, and prints all that is shown there. */
const PSEUDO_TERMINAL = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown, typed = b'', False
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if not typed and b': ' in shown:
        os.write(fd, os.environ['TYPED'].encode())
        typed = True
os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
`;
