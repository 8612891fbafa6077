import { LEVELS, LEVEL_PRIORITY, type Level } from '@lineclear/contracts';
import { commonNameOf, normalDn, normalName } from './distinguished-name.js';

/** Which groups have which level, written either way round: `{"admin": ["ML-Admins"]}` or `{"CN=ML-Admins,…": ["admin"]}`. */
export type LevelMapping = Readonly<Record<string, readonly string[]>>;

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
): Level {
  const { keyOf, keysOf } = NAMINGS[provider.type];
  const held = new Set(groups.flatMap(keysOf));
  const levels = pairsOf(provider.level_mapping)
    .filter(({ group }) => held.has(keyOf(group)))
    .map(({ level }) => level);
  return levels.toSorted((a, b) => LEVEL_PRIORITY[b] - LEVEL_PRIORITY[a])[0] ?? provider.default_level;
}

/** The key of the first entry that has a level on neither side, and what is wrong with it; undefined when there is none. */
export function faultIn(mapping: LevelMapping): { readonly key: string; readonly why: string } | undefined {
  const wrong = Object.entries(mapping).find(([key, values]) => !isLevel(key) && !values.every(isLevel));
  return (
    wrong && { key: wrong[0], why: `maps a level to groups, or a group to levels: ${LEVELS.join(', ')}` }
  );
}

const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text);

/** A key that is called like a level is that level, also when its groups are called like levels. */
const pairsOf = (mapping: LevelMapping): { level: Level; group: string }[] =>
  Object.entries(mapping).flatMap(([key, values]) =>
    isLevel(key)
      ? values.map((group) => ({ level: key, group }))
      : values.filter(isLevel).map((level) => ({ level, group: key })),
  );

function keyInDirectory(group: string): string {
  const dn = normalDn(group);
  return dn === undefined ? `name:${normalName(group)}` : `dn:${dn}`;
}
