import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@lineclear/testkit';
import { MAIN } from './command.js';
import { ok } from './furnish.js';

/** What has a token of a worker, and a folder of its own. */
export interface Machine {
  readonly id: string;
  readonly folder: string;
  /** Starts `lineclear worker` on it. */
  readonly start: (...options: string[]) => RunningWorker;
}
export interface RunningWorker {
  readonly child: ChildProcess;
  readonly printed: () => string;
}

/** Makes a worker of the provider `fleet`, and the folder that its machine keeps its token in. */
export async function makeMachine(
  url: string,
  admin: Client,
  folder: string,
  name: string,
): Promise<Machine> {
  mkdirSync(folder, { recursive: true });
  const { token, worker_id: id } = ok(
    await admin.post('/api/admin/workers', { name, provider: 'fleet' }),
    201,
  );
  writeFileSync(join(folder, 'worker.token'), `${token}\n`, { mode: 0o600 });
  return { folder, id, start: (...options) => start(url, folder, options) };
}

function start(url: string, folder: string, options: readonly string[]): RunningWorker {
  const places = ['--token-file', join(folder, 'worker.token'), '--state-dir', join(folder, 'state')];
  const child = spawn(
    process.execPath,
    [MAIN, 'worker', '--server', url, ...places, '--stop-grace', '1', ...options],
    { env: { PATH: process.env['PATH'], HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return { child, printed: () => printed };
}

/** Sends the signal to what has not ended; answers with which code it ends. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const over = once(child, 'exit');
  child.kill(signal);
  await over;
  return child.exitCode;
}

/** A worker that is started again whenever it is killed, as by an init system. */
export interface KeptWorker {
  kill(): void;
  close(): Promise<void>;
}

export function keepWorker(machine: Machine): KeptWorker {
  let isClosing = false;
  let { child } = machine.start();
  const follow = (): void =>
    void child.once('exit', () => {
      if (isClosing) return;
      ({ child } = machine.start());
      follow();
    });
  follow();
  return {
    kill: () => void child.kill('SIGKILL'),
    async close() {
      isClosing = true;
      await ended(child, 'SIGKILL');
    },
  };
}
