import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { dieWithParent, endLeftover, markOf, removePidFile, writePidFile } from '@lineclear/servers';
import { nextPauseMs } from './pause.js';

export interface ProcessSpec {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  /** Answers 200 when the process can do its work. */
  readonly readyUrl: string;
  readonly pidFile: string;
}

export interface Listener {
  /** A line that the process printed. */
  line(text: string): void;
  /** Something that happened to the process. */
  news(text: string): void;
}

/** A process that is kept running. */
export interface Supervised {
  /** 0 while it does not run. */
  readonly pid: number;
  /** How long the last start took until it was ready. */
  readonly readyAfterMs: number;
  /** Starts it, if it was stopped, and waits until it is ready. */
  start(): Promise<void>;
  /** Ends it, and it stays so. */
  stop(deadlineMs?: number): Promise<void>;
  /** Sends a signal; if the process ends by it, it is started again. */
  kill(signal?: NodeJS.Signals): void;
}

const READY_WITHIN_MS = 90_000;
const ASK_EVERY_MS = 50;
const STOP_WITHIN_MS = 15_000;
const GIVE_UP_AFTER_STARTS = 3;
const LAST_LINES = 12;

/** Keeps a Node process running: one that dies is started again after a pause that grows while it keeps dying. */
export function supervise(spec: ProcessSpec, listener: Listener): Supervised {
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let isWanted = false;
  let wasEverReady = false;
  let readyAfterMs = 0;
  let deaths = 0;
  let failedStarts = 0;
  let pause: NodeJS.Timeout | undefined;
  let lastLines: string[] = [];

  async function launch(): Promise<void> {
    const command = await dieWithParent('SIGTERM', { file: process.execPath, args: [spec.script] });
    if (!isWanted) return;
    const startedAt = performance.now();
    const fresh = spawn(command.file, command.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that Ctrl-C reaches the launcher alone and the house ends in order.
      detached: true,
    });
    child = fresh;
    lastLines = [];
    for (const stream of [fresh.stdout, fresh.stderr]) createInterface({ input: stream }).on('line', hear);
    const [parentMark, childMark] = [markOf(process.pid), markOf(fresh.pid ?? 0)];
    if (parentMark && childMark) writePidFile(spec.pidFile, { parent: parentMark, child: childMark });
    ended = new Promise((done) => {
      fresh.once('error', (error) => over(`could not be started: ${error.message}`));
      fresh.once('exit', (code, signal) => over(signal ?? `code ${code}`));
      function over(why: string): void {
        if (child === fresh) {
          child = undefined;
          removePidFile(spec.pidFile);
          if (isWanted) again(why, performance.now() - startedAt);
        }
        done();
      }
    });
  }

  function hear(line: string): void {
    lastLines = [...lastLines.slice(1 - LAST_LINES), line];
    listener.line(line);
  }

  function again(why: string, livedMs: number): void {
    failedStarts += 1;
    const pauseMs = nextPauseMs(deaths, livedMs);
    deaths = pauseMs.deaths;
    if (!wasEverReady && failedStarts >= GIVE_UP_AFTER_STARTS) return;
    listener.news(`ended (${why}); it is started again in ${pauseMs.ms} ms`);
    pause = setTimeout(() => {
      launch().catch((error: unknown) => again(String(error), 0));
    }, pauseMs.ms);
  }

  async function start(): Promise<void> {
    if (!isWanted) {
      await ended;
      await endLeftover(spec.pidFile, spec.name, 'SIGTERM');
      isWanted = true;
      deaths = 0;
      failedStarts = 0;
      await launch();
    }
    const beganAt = performance.now();
    while (!(await isReady(spec.readyUrl))) {
      if (!isWanted) throw new Error(`${spec.name} was stopped before it was ready`);
      const gaveUp = !wasEverReady && failedStarts >= GIVE_UP_AFTER_STARTS;
      if (gaveUp || performance.now() - beganAt > READY_WITHIN_MS) {
        await stop();
        throw new Error(`${spec.name} does not start. It said last:\n  ${lastLines.join('\n  ')}`);
      }
      await delay(ASK_EVERY_MS);
    }
    wasEverReady = true;
    readyAfterMs = Math.round(performance.now() - beganAt);
  }

  async function stop(deadlineMs = STOP_WITHIN_MS): Promise<void> {
    isWanted = false;
    clearTimeout(pause);
    child?.kill('SIGTERM');
    const inTime = await Promise.race([ended.then(() => true), delay(deadlineMs, false, { ref: false })]);
    if (!inTime) child?.kill('SIGKILL');
    await ended;
  }

  return {
    get pid() {
      return child?.pid ?? 0;
    },
    get readyAfterMs() {
      return readyAfterMs;
    },
    start,
    stop,
    kill: (signal = 'SIGKILL') => void child?.kill(signal),
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
