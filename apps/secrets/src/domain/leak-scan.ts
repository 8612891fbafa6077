import { isChannelName } from './lookup.js';
import { GLOBAL, userScope } from './scopes.js';

/** Values with fewer characters are not looked for: they are in too many texts that mean something else. */
const MIN_CHARACTERS = 8;
/** Of a longer value its middle is looked for: keys and certificates begin and end like others of their kind. */
const MAX_BYTES = 256;
/** Values that are looked for: those that were set last. */
export const MAX_LOOKED_FOR = 10_000;
/** Findings that one answer tells. */
export const MAX_FOUND = 1_000;

/** What to look for in order to find a value; undefined for one that is too short. A copy of its own, to be overwritten when it is not needed. */
export function needleOf(value: string): Buffer | undefined {
  if (value.length < MIN_CHARACTERS) return undefined;
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length <= MAX_BYTES) return bytes;
  const from = Math.floor((bytes.length - MAX_BYTES) / 2);
  const middle = Buffer.from(bytes.subarray(from, from + MAX_BYTES));
  bytes.fill(0);
  return middle;
}

export interface KnownSecret {
  readonly scope: string;
  readonly name: string;
}
export interface ToldSecret {
  readonly name?: string;
  readonly scope: 'global' | 'own' | 'other';
}

/** What a user is told of secrets that are in a text of theirs: names of what they may use, and once that there are others. */
export function tell(found: readonly KnownSecret[], userId: number): ToldSecret[] {
  const isOwn = ({ scope }: KnownSecret): boolean => scope === userScope(userId);
  const isShared = ({ scope, name }: KnownSecret): boolean => scope === GLOBAL && !isChannelName(name);
  const told: ToldSecret[] = [
    ...found.filter(isOwn).map(({ name }) => ({ name, scope: 'own' as const })),
    ...found.filter(isShared).map(({ name }) => ({ name, scope: 'global' as const })),
  ];
  if (found.length > told.length) told.push({ scope: 'other' });
  return told;
}
