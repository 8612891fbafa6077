import type { Level } from '@lineclear/contracts';
import { commonNameOf, normalDn, normalName } from './distinguished-name.js';

/** Which groups have which level, written either way round: `{"admin": ["ML-Admins"]}` or `{"CN=ML-Admins,…": ["admin"]}`. */
export type LevelMapping = Readonly<Record<string, readonly string[]>>;

/** The levels that there are, each with its number. */
export type LevelPriorities = ReadonlyMap<Level, number>;

/** How a type of provider names groups. */
interface Naming {
  /** What a group of the mapping is found by. */
  readonly keyOf: (group: string) => string;
  /** What a person's group answers to. */
  readonly keysOf: (group: string) => string[];
}

const NAMINGS = {
  // A name is a name: no part of it, and no other case.
  oidc: { keyOf: (group) => group, keysOf: (group) => [group] },
  // A DN means that one group, however it is written; a bare name means every group of that common name.
  ldap: {
    keyOf: keyInDirectory,
    keysOf: (group) => {
      const name = commonNameOf(group);
      return [keyInDirectory(group), ...(name === undefined ? [] : [`name:${name}`])];
    },
  },
} as const satisfies Record<string, Naming>;

/** The highest level that a person's groups have, or the provider's default when they are in none that is mapped. */
export function levelOf(
  provider: {
    readonly type: keyof typeof NAMINGS;
    readonly level_mapping: LevelMapping;
    readonly default_level: Level;
  },
  groups: readonly string[],
  levels: LevelPriorities,
): Level {
  const { keyOf, keysOf } = NAMINGS[provider.type];
  const held = new Set(groups.flatMap(keysOf));
  const given = pairsOf(provider.level_mapping, levels)
    .filter(({ group }) => held.has(keyOf(group)))
    .map(({ level }) => level);
  return given.toSorted((a, b) => levels.get(b)! - levels.get(a)!)[0] ?? provider.default_level;
}

/** The key of the first entry that has a level on neither side; undefined when there is none. */
export const entryWithoutLevel = (mapping: LevelMapping, levels: LevelPriorities): string | undefined =>
  Object.entries(mapping).find(
    ([key, values]) => !levels.has(key) && !values.every((value) => levels.has(value)),
  )?.[0];

/** Whether a word is in the mapping, as a level or as a group. */
export const names = (mapping: LevelMapping, word: string): boolean =>
  Object.entries(mapping).some(([key, values]) => key === word || values.includes(word));

/** A key that is called like a level is that level, also when its groups are called like levels. */
const pairsOf = (mapping: LevelMapping, levels: LevelPriorities): { level: Level; group: string }[] =>
  Object.entries(mapping).flatMap(([key, values]) =>
    levels.has(key)
      ? values.map((group) => ({ level: key, group }))
      : values.filter((value) => levels.has(value)).map((level) => ({ level, group: key })),
  );

function keyInDirectory(group: string): string {
  const dn = normalDn(group);
  return dn === undefined ? `name:${normalName(group)}` : `dn:${dn}`;
}
