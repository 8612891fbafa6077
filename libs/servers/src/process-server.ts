import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serverEnv } from './config.js';
import { type Command, dieWithParent } from './die-with-parent.js';
import { endLeftover, markOf, removePidFile, writePidFile } from './pid-file.js';
import { freePort, isFree } from './ports.js';
import type { Server, ServerOptions } from './server.js';
import { serverUser } from './unprivileged.js';

export interface ServerRecipe {
  readonly kind: Server['kind'];
  readonly how: string;
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly asOurselves?: boolean;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  command(port: number): Command;
  url(port: number): string;
  /** Speaks the server's own protocol; throws until the process with this pid answers. */
  probe(port: number, pid: number): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
const RETRY_WITHIN_MS = 15_000;
const LOG_KEPT_BYTES = 16 << 20;

/** Runs a recipe as a child process and stays its owner until it is stopped. */
export async function runServer(recipe: ServerRecipe, options: ServerOptions): Promise<Server> {
  const logFile = join(options.dir, 'server.log');
  const pidFile = join(options.dir, 'running.json');
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  let child: ChildProcess | undefined;
  let ended = Promise.resolve();
  let asked = false;
  let port = options.port ?? 0;

  async function launch(): Promise<void> {
    await endLeftover(pidFile, `the ${recipe.kind} of ${options.dir}`, recipe.stopSignal);
    const { file, args } = await dieWithParent(recipe.stopSignal, recipe.command(port));
    const { fd, from } = openLog(logFile);
    const fresh = spawn(file, args, {
      cwd: recipe.cwd,
      env: serverEnv(recipe.env),
      stdio: ['ignore', fd, fd],
      // A group of its own: Ctrl-C reaches us alone, and we end the services before the servers.
      detached: true,
      ...(recipe.asOurselves ? {} : serverUser()),
    });
    closeSync(fd);
    asked = false;
    let exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
    let isReady = false;
    ended = new Promise((done) => {
      fresh.once('error', (error) => {
        if (fresh.pid !== undefined) return;
        exit = { code: 127, signal: null };
        spawnError = error;
        done();
      });
      fresh.once('exit', (code, signal) => {
        exit = { code, signal };
        if (child === fresh) child = undefined;
        removePidFile(pidFile);
        done();
        if (isReady && !asked) options.onExit?.({ code, signal, lastLines: tail(logFile, from) });
      });
    });
    let spawnError: Error | undefined;
    const pid = fresh.pid;
    if (pid !== undefined) {
      child = fresh;
      const [mine, its] = [markOf(process.pid), markOf(pid)];
      if (mine !== undefined && its !== undefined) writePidFile(pidFile, { child: its, parent: mine, port });
    }
    const deadline = Date.now() + READY_WITHIN_MS;
    let last: unknown;
    while (exit === undefined && Date.now() < deadline) {
      try {
        await recipe.probe(port, pid ?? 0);
        isReady = true;
        return;
      } catch (error) {
        last = error;
        await Promise.race([delay(15), ended]);
      }
    }
    if (exit === undefined) await end('SIGKILL');
    const said = spawnError?.message ?? (tail(logFile, from) || String(last));
    throw new Error(`${recipe.kind} (${recipe.how}) did not start on port ${port}: ${said}`);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child;
    if (running === undefined) return ended;
    asked = true;
    running.kill(signal);
    const gone = await Promise.race([ended.then(() => true), delay(STOP_WITHIN_MS, false, { ref: false })]);
    if (gone) return;
    running.kill('SIGKILL');
    await ended;
  }

  /** A port of our choice may be taken between the choice and its use; a port of the caller's may be slow to come free. */
  async function start(): Promise<void> {
    if (child !== undefined) return;
    const isOurChoice = port === 0;
    const deadline = Date.now() + RETRY_WITHIN_MS;
    for (;;) {
      if (isOurChoice) port = await freePort();
      try {
        return await launch();
      } catch (error) {
        const isTaken = !(await isFree(port)) || /in use/i.test(String(error));
        if (!isTaken || Date.now() > deadline) throw error;
        await delay(isOurChoice ? 1 : 100);
      }
    }
  }

  await start();
  return {
    kind: recipe.kind,
    url: recipe.url(port),
    port,
    how: recipe.how,
    logFile,
    get pid() {
      return child?.pid ?? 0;
    },
    stop: () => end(recipe.stopSignal),
    kill: () => end('SIGKILL'),
    start,
  };
}

function openLog(path: string): { fd: number; from: number } {
  if (existsSync(path) && statSync(path).size > LOG_KEPT_BYTES) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, from: statSync(path).size };
}

const tail = (path: string, from: number): string =>
  readFileSync(path).subarray(from).toString('utf8').trim().split('\n').slice(-4).join(' / ').slice(-800);
