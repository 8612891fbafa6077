import { isAbsolute, join } from 'node:path';
import type { CredentialFile, CredentialFormat, Values } from './format.js';
import type { Machine } from './machine.js';
import { checkProfile } from './values.js';

/** A path as a person writes it: `~` is the home folder, and what is not absolute is below it. */
export function expandHome(path: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(home, path);
}

/** Where a tool looks for the file: where a variable says, else in its place below the home folder. */
export function pathOf(file: CredentialFile, machine: Machine, profile: string): string {
  for (const { variable, below } of file.locations ?? []) {
    // KUBECONFIG may be a list, of which kubectl writes to the first.
    const moved = machine.env[variable]?.split(':').find((part) => part !== '');
    if (moved !== undefined) return join(expandHome(moved, machine.home), below ?? '');
  }
  return join(machine.home, file.path.replace('{profile}', profile));
}

/** The entries to look at, in order: the one asked for, else the one a variable or the file says, else the usual ones. @throws BadCredential */
export async function profilesOf(
  format: CredentialFormat,
  machine: Machine,
  asked?: string,
): Promise<readonly string[]> {
  if (asked !== undefined) return [checkProfile(format, asked)];
  const told = format.profileVariable && machine.env[format.profileVariable];
  if (told) return [checkProfile(format, told)];
  for (const file of format.files) {
    if (!file.activeProfile) continue;
    const text = await machine.readFile(pathOf(file, machine, ''));
    const active = text === undefined ? undefined : file.activeProfile(text);
    if (active !== undefined) return [checkProfile(format, active)];
  }
  return format.profiles;
}

/** The entry to write. `values` may say it themselves: a registry, the kind of a key. @throws BadCredential */
export async function profileToWrite(
  format: CredentialFormat,
  values: Values,
  machine: Machine,
  asked?: string,
): Promise<string> {
  const own = format.profileOf?.(values);
  const [profile = ''] = await profilesOf(format, machine, asked ?? own);
  return checkProfile(format, profile);
}
