import { BadCredential, UnusableFile } from '@lineclear/credentials';
import { KubernetesFailure } from '@lineclear/kubernetes';
import type { Command } from './command.js';
import { COMMANDS } from './commands.js';
import { CliError, EXIT, type ExitCode } from './domain/cli-error.js';
import { printable } from './domain/printable.js';
import { VERSION } from './version.js';
import { say, warn, type World } from './world.js';

/** Runs one command line and answers with its exit code. All that goes wrong is one line on stderr. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  const command = commandOf(args);
  try {
    if (!command) return withoutCommand(args, world);
    const rest = args.slice(command.name.split(' ').length);
    if (isAskedForHelp(rest)) {
      say(world, helpOf(command));
      return EXIT.ok;
    }
    return await command.call(rest, world);
  } catch (error) {
    warn(world, messageOf(error));
    const exitCode = exitCodeOf(error);
    if (exitCode === EXIT.usage && command) world.stderr.write(`usage: ${usageOf(command)}\n`);
    return exitCode;
  }
}

/** The command with the most words that the arguments begin with. */
function commandOf(args: readonly string[]): Command | undefined {
  const begins = ({ name }: Command): boolean => name.split(' ').every((word, at) => args[at] === word);
  return COMMANDS.filter(begins).sort((a, b) => b.name.length - a.name.length)[0];
}

function withoutCommand(args: readonly string[], world: World): number {
  const [first, second] = args;
  if (first === '--version') {
    say(world, VERSION);
    return EXIT.ok;
  }
  const group = COMMANDS.filter(({ name }) => first !== undefined && name.startsWith(`${first} `));
  const isHelp = args.length === 0 || isAskedForHelp(args) || first === 'help';
  if (isHelp || (group.length > 0 && second === undefined)) {
    say(world, overview(group.length > 0 ? group : COMMANDS));
    return EXIT.ok;
  }
  warn(world, `there is no command ${printable(args.slice(0, group.length > 0 ? 2 : 1).join(' '))}`);
  world.stderr.write('usage: lineclear --help\n');
  return EXIT.usage;
}

/** Before `--`: what comes after it is another program's. */
function isAskedForHelp(args: readonly string[]): boolean {
  const dashes = args.indexOf('--');
  return (dashes === -1 ? args : args.slice(0, dashes)).some((arg) => arg === '--help' || arg === '-h');
}

const usageOf = ({ name, usage }: Command): string => `lineclear ${name} ${usage}`.trim();

const helpOf = (command: Command): string =>
  [`usage: ${usageOf(command)}`, command.about, ...(command.help ? [command.help] : [])].join('\n\n');

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`);
  return ['usage: lineclear COMMAND …   (lineclear COMMAND --help)', '', ...lines].join('\n');
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  const isRefused =
    error instanceof KubernetesFailure && (error.kind === 'forbidden' || error.kind === 'not found');
  return isRefused ? EXIT.refused : EXIT.failed;
}

const FORESEEN = [CliError, BadCredential, UnusableFile, KubernetesFailure];

function messageOf(error: unknown): string {
  if (FORESEEN.some((kind) => error instanceof kind)) return printable((error as Error).message);
  // What we did not foresee may quote anything.
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `something is wrong in this program: ${error instanceof Error ? error.name : typeof error}${printable(code)}`;
}
