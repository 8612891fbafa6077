import { existsSync } from 'node:fs';
import { run } from './run.js';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

const SETPRIV = '/usr/bin/setpriv';
let works: Promise<boolean> | undefined;

/**
 * The command, made to receive the signal when this process dies in whatever way. Only Linux can do that; elsewhere the pid
 * file lets the next start find the leftover.
 */
export async function dieWithParent(signal: 'SIGTERM' | 'SIGINT', command: Command): Promise<Command> {
  works ??= canSetpriv();
  if (!(await works)) return command;
  return { file: SETPRIV, args: ['--pdeathsig', signal.slice(3), '--', command.file, ...command.args] };
}

// Not every setpriv knows the option (the one of busybox does not).
async function canSetpriv(): Promise<boolean> {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return false;
  return (await run(SETPRIV, ['--pdeathsig', 'TERM', '--', '/bin/true'], { env: {} })).code === 0;
}
