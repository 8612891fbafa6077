import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort, isAlive, makeScratchFolder, type PidFile, readPidFile } from '@lineclear/servers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const script = fileURLToPath(new URL('./launcher-fake-service.mjs', import.meta.url));
const home = makeScratchFolder('launcher');
const launchers: Launcher[] = [];

interface Launcher {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  readonly port: number;
  said: string;
}

// The launcher as people run it: built, in a process of its own.
beforeAll(() => {
  execFileSync(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    join(root, 'apps/launcher'),
  ]);
});
afterAll(async () => {
  for (const launcher of launchers) {
    if (launcher.process.exitCode === null && launcher.process.signalCode === null) {
      launcher.process.kill('SIGTERM');
      await once(launcher.process, 'exit');
    }
  }
  rmSync(home, { recursive: true, force: true });
});

async function launch(env: Record<string, string> = {}): Promise<Launcher> {
  const port = await freePort();
  const code = `
    const { runLauncher } = await import(${JSON.stringify(join(root, 'apps/launcher/dist/index.js'))});
    const service = (name, more) => ({ name, script: ${JSON.stringify(script)}, env: () => ({ FAKE_NAME: name }), ...more });
    await runLauncher([service('auth', { hasStores: true }), service('gateway', { hasStores: false, isFront: true })]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LINECLEAR_HOME: home,
      PORT: String(port),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const launcher: Launcher = { process: child, port, said: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (launcher.said += part.toString()));
  launchers.push(launcher);
  return launcher;
}

const saysReady = (launcher: Launcher): Promise<void> =>
  vi.waitFor(() => expect(launcher.said).toContain('ready after'), { timeout: 25_000 });

function pidFiles(): PidFile[] {
  const services = readdirSync(join(home, 'running')).map((name) => join(home, 'running', name));
  const servers = ['postgres', 'redis', 'nats'].map((name) => join(home, name, 'running.json'));
  return [...services, ...servers].map((path) => readPidFile(path)).filter((file) => file !== undefined);
}

it('says where everything is, and ends in order when it is asked to', async () => {
  const launcher = await launch();
  await saysReady(launcher);
  expect(launcher.said).toMatch(/postgres +127\.0\.0\.1:\d+ +\d+ ms/);
  expect(launcher.said).toContain(`http://127.0.0.1:${launcher.port}`);
  expect(launcher.said).toContain(join(home, 'admin.key'));
  expect((await fetch(`http://127.0.0.1:${launcher.port}/health/ready`)).status).toBe(200);
  const processes = pidFiles();
  expect(processes).toHaveLength(5);
  launcher.process.kill('SIGINT');
  // npm passes the same Ctrl-C on a moment later; that is not a second one.
  launcher.process.kill('SIGINT');
  expect(await once(launcher.process, 'exit')).toEqual([0, null]);
  expect(launcher.said).toMatch(/gateway +gateway ends[\s\S]*auth +auth ends[\s\S]*ended/);
  expect(processes.filter(({ child }) => isAlive(child))).toEqual([]);
  expect(existsSync(join(home, 'launcher.lock'))).toBe(false);
});

it('can be ended while it starts', async () => {
  const launcher = await launch();
  await vi.waitFor(() => expect(launcher.said).toContain('is starting'));
  launcher.process.kill('SIGTERM');
  expect(await once(launcher.process, 'exit')).toEqual([0, null]);
  expect(pidFiles().filter(({ child }) => isAlive(child))).toEqual([]);
});

it('leaves nothing in the way of the next start when it is killed', async () => {
  const killed = await launch();
  await saysReady(killed);
  const left = pidFiles();
  expect(left).toHaveLength(5);
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const next = await launch();
  await saysReady(next);
  expect(left.filter(({ child }) => isAlive(child))).toEqual([]);
  expect(readFileSync(join(home, 'admin.key'), 'utf8')).toBe('lc_npm start\n');
});

it('does not start a second time in the same folder, nor with a wrong environment', async () => {
  const second = await launch();
  expect(await once(second.process, 'exit')).toEqual([1, null]);
  expect(second.said).toContain('is in use: process');
  const wrong = await launch({ PORT: 'eighty' });
  expect(await once(wrong.process, 'exit')).toEqual([1, null]);
  expect(wrong.said).toMatch(/PORT: /);
});
