import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { serverEnv } from './config.js';
import type { Command } from './die-with-parent.js';
import type { ServerExit } from './server.js';

const LOG_KEPT_BYTES = 16 << 20;

export interface Child {
  /** 0 when the program could not even be started; `ended` then tells why. */
  readonly pid: number;
  readonly process: ChildProcess;
  /** Never rejects. */
  readonly ended: Promise<ServerExit>;
  hasEnded(): boolean;
  /** What it printed since it started, the last lines of it. */
  lastLines(): string;
}

interface ChildOptions {
  readonly command: Command;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly logFile: string;
  readonly user: { uid?: number; gid?: number };
}

/** Starts a program in a process group of its own, its output appended to the log. */
export function startChild({ command, cwd, env, logFile, user }: ChildOptions): Child {
  const { fd, from } = openLog(logFile);
  const child = spawn(command.file, command.args, {
    cwd,
    env: serverEnv(env),
    stdio: ['ignore', fd, fd],
    // Ctrl-C then reaches us alone, and we end the services before the servers.
    detached: true,
    ...user,
  });
  closeSync(fd);
  const lastLines = (): string => tail(logFile, from);
  let isOver = false;
  const ended = new Promise<ServerExit>((done) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      isOver = true;
      done({ code: 127, signal: null, lastLines: error.message });
    });
    child.once('exit', (code, signal) => {
      isOver = true;
      done({ code, signal, lastLines: lastLines() });
    });
  });
  return { pid: child.pid ?? 0, process: child, ended, hasEnded: () => isOver, lastLines };
}

function openLog(path: string): { fd: number; from: number } {
  if (existsSync(path) && statSync(path).size > LOG_KEPT_BYTES) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, from: statSync(path).size };
}

const tail = (path: string, from: number): string =>
  readFileSync(path).subarray(from).toString('utf8').trim().split('\n').slice(-4).join(' / ').slice(-800);
