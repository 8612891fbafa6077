import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../src/cli.js';
import type { Terminal, World } from '../src/world.js';

/** A command line that was run in a home folder. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** What a person answers, in turn; there is nobody where it is not given. */
  readonly answers?: readonly string[];
  readonly onSignal?: World['onSignal'];
  /** Who reads it instead of us. */
  readonly stdout?: PassThrough;
}

/** Runs one command line with a home folder of its own, as `lineclear` would be. */
export async function lineclear(
  home: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const { env = {}, input = '', answers, onSignal = () => () => undefined } = options;
  const stdout = options.stdout ?? new PassThrough();
  const stderr = new PassThrough();
  const printed = [options.stdout ? Promise.resolve('') : collect(stdout), collect(stderr)] as const;
  const code = await runCli(args, {
    env: { PATH: process.env['PATH'], HOME: home, ...env },
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    terminal: answers && person([...answers], stderr),
    now: () => new Date('2026-11-28T10:00:00Z'),
    inputOfPrograms: 'pipe',
    onSignal,
  });
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(printed);
  return { code, stdout: out, stderr: err };
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function person(answers: string[], shown: PassThrough): Terminal {
  const answer = (question: string): Promise<string> => {
    shown.write(`${question}\n`);
    const next = answers.shift();
    return next === undefined
      ? Promise.reject(new Error(`nobody answers ${question}`))
      : Promise.resolve(next);
  };
  return { ask: answer, askHidden: answer };
}
