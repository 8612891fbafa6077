import { wrongUsage } from './domain/cli-error.js';
import { printable } from './domain/printable.js';
import type { Scope } from './stored-names.js';
import { say, type World } from './world.js';

/** What all commands about secrets take. */
export const SECRET_OPTIONS = { scope: { type: 'string' }, json: { type: 'boolean' } } as const;
export const SECRET_USAGE = '[--scope user|global] [--json]';

interface Given {
  readonly scope?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Whose secrets are meant: one's own, unless everybody's are asked for. @throws CliError */
export function scopeFrom({ scope = 'user' }: Given): Scope {
  if (scope !== 'user' && scope !== 'global') throw wrongUsage('--scope takes user or global');
  return scope;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;
export const isSecretName = (name: string): boolean => NAME.test(name);

/** A secret's name. @throws CliError */
export function nameFrom(word: string | undefined): string {
  if (word === undefined || !isSecretName(word))
    throw wrongUsage(
      'a name is of letters, digits and _ . -, begins with a letter or _, and has at most 128 characters',
    );
  return word;
}

/** Prints an answer: as JSON for programs, else as `human` says it. */
export function show(world: World, { json }: Given, answer: unknown, human: () => string): void {
  if (json) say(world, JSON.stringify(answer, undefined, 2));
  else world.stdout.write(human());
}

/** A line of one's own words with what the server said in it. */
export const line = (...parts: readonly string[]): string => `${printable(parts.join(''))}\n`;

/** An instant as people read it, in UTC and to the second. */
export const instant = (iso: string | undefined): string =>
  iso === undefined ? '' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
