import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, startChild } from './child.js';
import { type Command, dieWithParent } from './die-with-parent.js';
import { endLeftover, markOf, removePidFile, writePidFile } from './pid-file.js';
import { freePort, isFree } from './ports.js';
import type { Server, ServerOptions } from './server.js';
import { serverUser } from './unprivileged.js';

export interface ServerRecipe<Kind extends string> {
  readonly kind: Kind;
  readonly how: string;
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** Runs as us even when we are root. */
  readonly asOurselves?: boolean;
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  command(port: number): Command;
  url(port: number): string;
  /** Speaks the server's own protocol; throws until the process with this pid answers. */
  probe(port: number, pid: number): Promise<void>;
  /** Clears away what a crash left, once it is certain that no process of ours is there. */
  tidy?(): void;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;
const RETRY_WITHIN_MS = 15_000;
const ASK_EVERY_MS = 15;

/** Runs a recipe as a child process and stays its owner until it is stopped. */
export async function runServer<Kind extends string>(
  recipe: ServerRecipe<Kind>,
  options: ServerOptions,
): Promise<Server<Kind>> {
  const logFile = join(options.dir, 'server.log');
  const pidFile = join(options.dir, 'running.json');
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  let child: Child | undefined;
  let isEndAsked = false;
  let isFirst = true;
  let port = options.port ?? 0;
  let turn: Promise<void> = Promise.resolve();

  async function launch(): Promise<void> {
    await endLeftover(pidFile, `the ${recipe.kind} of ${options.dir}`, recipe.stopSignal);
    recipe.tidy?.();
    const command = await dieWithParent(recipe.stopSignal, recipe.command(port));
    const user = recipe.asOurselves ? {} : serverUser();
    const fresh = startChild({ command, cwd: recipe.cwd, env: recipe.env, logFile, user });
    const [parentMark, childMark] = [markOf(process.pid), markOf(fresh.pid)];
    if (parentMark && childMark) writePidFile(pidFile, { child: childMark, parent: parentMark, port });
    child = fresh;
    endAtExit(fresh, recipe.stopSignal);
    isEndAsked = false;
    try {
      await waitUntilReady(recipe, port, fresh);
    } catch (error) {
      await end('SIGKILL');
      throw error;
    }
    void fresh.ended.then((exit) => {
      if (child !== fresh) return;
      child = undefined;
      removePidFile(pidFile);
      if (!isEndAsked) options.onExit?.(exit);
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child;
    if (running === undefined) return;
    isEndAsked = true;
    running.process.kill(signal);
    const inTime = await Promise.race([running.ended, delay(STOP_WITHIN_MS, undefined, { ref: false })]);
    if (inTime === undefined) running.process.kill('SIGKILL');
    await running.ended;
    child = undefined;
    removePidFile(pidFile);
  }

  /** A port of our choice may be taken between the choice and its use; one that we had may be slow to come free. */
  async function start(): Promise<void> {
    if (child !== undefined) return;
    const isOurChoice = port === 0;
    if (isFirst && !isOurChoice && !(await isFree(port)))
      throw new Error(`port ${port} of 127.0.0.1 is taken`);
    isFirst = false;
    const deadline = Date.now() + RETRY_WITHIN_MS;
    for (;;) {
      if (isOurChoice) port = await freePort();
      try {
        return await launch();
      } catch (error) {
        const isTaken = /in use/i.test(String(error)) || !(await isFree(port));
        if (!isTaken || Date.now() > deadline) throw error;
        await delay(isOurChoice ? 1 : 100);
      }
    }
  }

  /** One thing at a time, in the order asked: a start that is called during a stop begins after it. */
  function inTurn(action: () => Promise<void>): Promise<void> {
    const result = turn.then(action);
    turn = result.catch(() => undefined);
    return result;
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
    stop: () => inTurn(() => end(recipe.stopSignal)),
    kill: () => inTurn(() => end('SIGKILL')),
    start: () => inTurn(start),
  };
}

const atExit = new Map<Child, NodeJS.Signals>();

/** Where the kernel does not do it: an end of ours that stopped nothing still takes the servers along. */
function endAtExit(child: Child, signal: NodeJS.Signals): void {
  if (atExit.size === 0) process.once('exit', endAll);
  atExit.set(child, signal);
  void child.ended.then(() => {
    atExit.delete(child);
    if (atExit.size === 0) process.off('exit', endAll);
  });
}

function endAll(): void {
  for (const [child, signal] of atExit) child.process.kill(signal);
}

async function waitUntilReady(recipe: ServerRecipe<string>, port: number, child: Child): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let last: unknown;
  while (!child.hasEnded() && Date.now() < deadline) {
    try {
      return await recipe.probe(port, child.pid);
    } catch (error) {
      last = error;
      await Promise.race([delay(ASK_EVERY_MS), child.ended]);
    }
  }
  const said = child.hasEnded() ? (await child.ended).lastLines : child.lastLines();
  throw new Error(`${recipe.kind} (${recipe.how}) did not start on port ${port}: ${said || String(last)}`);
}
