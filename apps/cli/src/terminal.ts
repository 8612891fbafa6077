import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { CliError } from './domain/cli-error.js';
import type { Terminal } from './world.js';

/** The person at this terminal. Questions go to stderr: stdout may be a file. */
export function terminalAt(input: ReadStream, output: NodeJS.WritableStream): Terminal {
  const ask = async (question: string, echoed: boolean): Promise<string> => {
    // Readline prints what is typed to its output: what must not be seen goes nowhere.
    const shown = echoed ? output : new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input, output: shown, terminal: true, historySize: 0 });
    // Not before readline has the terminal: until then the terminal itself shows what is typed.
    if (!echoed) output.write(question);
    try {
      return await Promise.race([lines.question(echoed ? question : ''), ended(lines)]);
    } finally {
      lines.close();
      if (!echoed) output.write('\n');
    }
  };
  return {
    ask: async (question) => (await ask(question, true)).trim(),
    askHidden: (question) => ask(question, false),
  };
}

/** Ctrl-C and Ctrl-D at a question end the command. */
const ended = (lines: ReturnType<typeof createInterface>): Promise<never> =>
  new Promise((_, fail) => {
    lines.once('close', () => fail(new CliError('ended at a question')));
  });
