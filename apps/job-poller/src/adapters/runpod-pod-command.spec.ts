import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { exitCodeIn } from './container.js';
import { POD_ARGS, podStart } from './runpod-pod-command.js';

// What a pod has, and a sleep that nobody has to wait for.
const bin = mkdtempSync(join(tmpdir(), 'lineclear-pod-'));
const program = (name: string, script: string): void => {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
};
program('runpodctl', `echo "$@" > "${join(bin, 'stopped')}"`);
program('sleep', 'exit 0');
afterAll(() => rmSync(bin, { recursive: true }));

function run(command: readonly string[]): { code: number; output: string } {
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    LINECLEAR_START: podStart(command, 'lc-1-a1'),
    RUNPOD_POD_ID: 'pod7',
  };
  // RunPod splits the line as a shell does.
  const options = { env, encoding: 'utf8' } as const;
  try {
    return { code: 0, output: execFileSync('sh', ['-c', `exec ${POD_ARGS}`], options) };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { code: status, output: stdout };
  }
}

it.each([
  [['true'], 0, ''],
  [['sh', '-c', 'exit 7'], 7, ''],
  [
    ['printf', '%s|', `it's`, 'a "b"', '$HOME', '`x`', 'two\nlines', ''],
    0,
    `it's|a "b"|$HOME|\`x\`|two\nlines||`,
  ],
])('runs %j, says that it ended with %d, and stops its pod', (command, code, output) => {
  const ran = run(command);
  expect(ran.code).toBe(code);
  expect(exitCodeIn(ran.output, 'lc-1-a1')).toBe(code);
  expect(ran.output.startsWith(output)).toBe(true);
  expect(readFileSync(join(bin, 'stopped'), 'utf8')).toBe('stop pod pod7\n');
});
