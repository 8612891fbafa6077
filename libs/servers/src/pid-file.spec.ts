import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { dieWithParent } from './die-with-parent.js';
import { endLeftover, isAlive, markOf, type ProcessMark, writePidFile } from './pid-file.js';

const base = mkdtempSync(join(tmpdir(), 'lineclear-pid-'));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

const DEAD: ProcessMark = { pid: process.pid, startedAt: 'in another life' };

function idle(code = 'setInterval(() => {}, 1e6)'): ProcessMark {
  const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  started.push(child);
  const mark = markOf(child.pid ?? 0);
  if (mark === undefined) throw new Error('the process did not start');
  return mark;
}

const me = (): ProcessMark => markOf(process.pid) ?? DEAD;

it('tells a process from a later one of the same pid', () => {
  expect(isAlive(me())).toBe(true);
  expect(isAlive(DEAD)).toBe(false);
  expect(markOf(2 ** 22 + 1)).toBeUndefined();
});

it('ends the process that a dead parent left', async () => {
  const path = join(base, 'left.json');
  const child = idle();
  writePidFile(path, { child, parent: DEAD });
  await endLeftover(path, 'it', 'SIGTERM');
  expect(isAlive(child)).toBe(false);
  expect(existsSync(path)).toBe(false);
});

it('kills a process that will not end', async () => {
  const path = join(base, 'stubborn.json');
  const child = idle("process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6)");
  writePidFile(path, { child, parent: DEAD });
  await endLeftover(path, 'it', 'SIGTERM', 1);
  expect(isAlive(child)).toBe(false);
});

it('leaves a process alone whose parent lives', async () => {
  const path = join(base, 'owned.json');
  const child = idle();
  writePidFile(path, { child, parent: me() });
  await expect(endLeftover(path, 'the redis of /x', 'SIGTERM')).rejects.toThrow(
    'the redis of /x is already run by',
  );
  expect(isAlive(child)).toBe(true);
});

it('leaves a process alone that was given the pid of another one', async () => {
  const path = join(base, 'recycled.json');
  const child = idle();
  writePidFile(path, { child: { ...child, startedAt: 'long ago' }, parent: DEAD });
  await endLeftover(path, 'it', 'SIGKILL');
  expect(isAlive(child)).toBe(true);
});

it.runIf(process.platform === 'linux' && existsSync('/usr/bin/setpriv'))(
  'makes a child die with its parent',
  async () => {
    const command = await dieWithParent('SIGTERM', {
      file: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1e6)'],
    });
    const code = `const c = require('child_process').spawn(${JSON.stringify(command.file)}, ${JSON.stringify(command.args)},
    { detached: true, stdio: 'ignore' }); console.log(c.pid)`;
    const parent = spawn(process.execPath, ['-e', `${code}; setInterval(() => {}, 1e6)`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(parent);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = markOf(Number(line.toString()));
    if (child === undefined) throw new Error('the child did not start');
    // It is still setpriv for a moment, which has not asked for the signal yet.
    await vi.waitFor(() => expect(commandOf(child.pid)).toContain('node'));
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(child)).toBe(false));
  },
);

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
}
