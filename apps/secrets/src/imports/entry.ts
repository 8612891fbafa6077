import { z } from 'zod';
import { isChannelName } from '../domain/lookup.js';
import { secretValue } from '../domain/secret-value.js';

/** One thing to import: what it is called where it comes from, and its value, or why it has none. */
export interface ImportEntry {
  readonly key: string;
  readonly value: string;
  /** Why it cannot be imported, where that is known already. */
  readonly fault?: string;
  /** What people should know of it. */
  readonly warnings?: readonly string[];
}

export interface NamedEntry extends ImportEntry {
  readonly name: string;
}

const MAX_NAME = 128;

/** A name of ours for a key of theirs: what our names may not have becomes `_`. */
export function nameOf(key: string): string {
  const plain = key.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
}

/** The entries under names of ours; each that cannot be imported has a fault. No fault has any of the value. */
export function named(entries: readonly ImportEntry[]): NamedEntry[] {
  const taken = new Set<string>();
  return entries.map((entry) => {
    const name = nameOf(entry.key).slice(0, MAX_NAME);
    const fault = entry.fault ?? faultOf(entry, name, taken);
    taken.add(name);
    return { ...entry, name, ...(fault === undefined ? {} : { fault }) };
  });
}

function faultOf({ key, value }: ImportEntry, name: string, taken: ReadonlySet<string>): string | undefined {
  if (key === '') return 'has no name';
  if (key.length > MAX_NAME) return `has a name of more than ${MAX_NAME} characters`;
  if (isChannelName(name)) return 'names that start with "channel." are set by notification channels';
  if (taken.has(name)) return 'comes more than once under this name';
  if (value === '') return 'is empty';
  const checked = secretValue.safeParse(value);
  return checked.success ? undefined : z.prettifyError(checked.error).replaceAll(/^✖ /gm, '').split('\n')[0];
}
