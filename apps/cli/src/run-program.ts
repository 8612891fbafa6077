import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { Transform, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { maskStream, type KnownValues } from '@lineclear/redact';
import { codeOf } from './own-files.js';
import { warn, type World } from './world.js';

const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;
const BY_SIGNAL = 128;

export interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What must not be seen in its output; undefined to pass that on as it is. */
  readonly masked: KnownValues | undefined;
}

/**
 * Runs a program with our input, and its output with what is masked replaced, and answers with its exit code, which is 128
 * and the signal's number for one that a signal ended. Signals are passed on.
 */
export async function runProgram(
  { argv: [file = '', ...args], env, masked }: Program,
  world: World,
): Promise<number> {
  const isOurs = masked === undefined && world.inputOfPrograms === 'inherit';
  const output = isOurs ? 'inherit' : 'pipe';
  const child = spawn(file, args, { env: { ...env }, stdio: [world.inputOfPrograms, output, output] });
  const stopListening = world.onSignal((signal) => {
    // Ctrl-C at a terminal goes to all who run there: the program has it already.
    if (signal !== 'SIGINT' || !world.terminal) child.kill(signal);
  });
  try {
    const ended = endOf(child);
    // Awaited by nobody: a program that does not read all of our input may end.
    if (child.stdin) void pipeline(world.stdin, child.stdin).catch(() => undefined);
    const outputs = [flow(child.stdout, world.stdout, masked), flow(child.stderr, world.stderr, masked)];
    const code = await ended;
    await Promise.all(outputs);
    return code;
  } catch (error) {
    const code = codeOf(error);
    const isMissing = code === 'ENOENT' || (code === 'EACCES' && !isOnPath(file, env['PATH']));
    warn(world, isMissing ? `there is no program ${file}` : `${file} cannot be run (${code})`);
    return isMissing ? NOT_FOUND : NOT_RUNNABLE;
  } finally {
    stopListening();
  }
}

// One folder of PATH that may not be looked into makes the system say EACCES of whatever is in no other.
const isOnPath = (file: string, path = ''): boolean =>
  file.includes('/') || path.split(delimiter).some((folder) => existsSync(join(folder, file)));

const endOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) =>
      resolve(signal === null ? (code ?? 0) : BY_SIGNAL + constants.signals[signal]),
    );
  });

/** Until the one side has no more, or the other wants no more. Without a pipe the program writes to our output itself. */
async function flow(from: Readable | null, to: Writable, masked: KnownValues | undefined): Promise<void> {
  if (!from) return;
  try {
    if (masked === undefined) await pipeline(from, to, { end: false });
    else await pipeline(from, masking(masked), to, { end: false });
  } catch {
    // Either side may end before the other: what is not read is not missed, and the program hears of it as of any closed pipe.
  }
}

function masking(values: KnownValues): Transform {
  const masker = maskStream(values);
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, masker.push(chunk)),
    flush: (done) => done(null, masker.end()),
  });
}
