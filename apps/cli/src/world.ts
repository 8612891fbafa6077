import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { machineAt, type Machine } from '@lineclear/credentials';

/** A person at a terminal. */
export interface Terminal {
  /** A question and its answer, trimmed. */
  readonly ask: (question: string) => Promise<string>;
  /** The same, without showing what is typed. */
  readonly askHidden: (question: string) => Promise<string>;
}

/** Everything that a command sees of the machine. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Nobody is there to be asked where it is undefined. */
  readonly terminal: Terminal | undefined;
  readonly now: () => Date;
  /** What a started program's input is: ours itself, so that it may be a terminal, or a stream. */
  readonly inputOfPrograms: 'inherit' | 'pipe';
  /** Calls back for each signal that should end us, which then does not. Answers with what undoes that. */
  readonly onSignal: (handler: (signal: NodeJS.Signals) => void) => () => void;
}

export const say = (world: World, line: string): void => void world.stdout.write(`${line}\n`);
export const warn = (world: World, line: string): void => void world.stderr.write(`lineclear: ${line}\n`);

/** The person's home folder: the credentials of their tools are in it. */
export const homeOf = ({ env }: World, asked?: string): string => asked ?? env['HOME'] ?? homedir();

/** Our own files. */
export const ownFolderOf = (world: World): string =>
  world.env['LINECLEAR_HOME'] || join(homeOf(world), '.lineclear');

export const machineOf = (world: World, home?: string): Machine => machineAt(homeOf(world, home), world.env);

const MAX_INPUT_BYTES = 1_048_576;

/** All of stdin, up to 1 MiB; undefined where it is more. */
export async function readInput(world: World): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of world.stdin) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes > MAX_INPUT_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether a question was answered with yes; Enter alone is `byDefault`. Anything else is asked again. */
export async function askYesNo(terminal: Terminal, question: string, byDefault: boolean): Promise<boolean> {
  for (;;) {
    const answer = (await terminal.ask(`${question} [${byDefault ? 'Y/n' : 'y/N'}] `)).toLowerCase();
    if (answer === '') return byDefault;
    if (answer === 'y' || answer === 'yes') return true;
    if (answer === 'n' || answer === 'no') return false;
  }
}
