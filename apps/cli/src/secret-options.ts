import { wrongUsage } from './domain/cli-error.js';
import type { Scope } from './stored-names.js';

/** What all commands about secrets take. */
export const SECRET_OPTIONS = { scope: { type: 'string' }, json: { type: 'boolean' } } as const;
export const SECRET_USAGE = '[--scope user|team|org|global] [--json]';
const SCOPES: readonly Scope[] = ['user', 'team', 'org', 'global'];

interface Given {
  readonly scope?: string | undefined;
}

/** Whose secrets are meant: one's own, unless something else is asked for; the team is one's only one. @throws CliError */
export function scopeFrom({ scope = 'user' }: Given): Scope {
  const known = SCOPES.find((one) => one === scope);
  if (!known) throw wrongUsage(`--scope takes ${SCOPES.join(', ')}`);
  return known;
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
