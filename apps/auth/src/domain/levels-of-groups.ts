import { LEVEL_PRIORITY, LEVELS, type Level } from '@lineclear/contracts';
import { commonNameOf, normalDn, normalName } from './distinguished-name.js';

/** Which groups make which level, in either shape: `{ admin: [groups] }` or `{ group: ['admin'] }`. */
export type LevelMapping = Readonly<Record<string, readonly string[]>>;

/**
 * The levels that a person's groups give, the highest first: that one counts. A group of the mapping that is written as a DN
 * means that one group; written as a bare name it means every group of that name, or of that common name.
 */
export function levelsOfGroups(mapping: LevelMapping, groups: readonly string[]): Level[] {
  const held = new Set(groups.flatMap(keysOf));
  const levels = pairsOf(mapping)
    .filter(({ group }) => held.has(keyOf(group)))
    .map(({ level }) => level);
  return [...new Set(levels)].sort((a, b) => LEVEL_PRIORITY[b] - LEVEL_PRIORITY[a]);
}

function pairsOf(mapping: LevelMapping): { level: Level; group: string }[] {
  return Object.entries(mapping).flatMap(([key, values]) =>
    values.flatMap((value) => {
      // A line of two level names can be read both ways: unless they agree it gives nothing, which is the safe mistake.
      if (isLevel(key) && isLevel(value)) return key === value ? [{ level: key, group: value }] : [];
      if (isLevel(key)) return [{ level: key, group: value }];
      return isLevel(value) ? [{ level: value, group: key }] : [];
    }),
  );
}

const isLevel = (word: string): word is Level => (LEVELS as readonly string[]).includes(word);

/** What a group of the mapping is found by. */
function keyOf(group: string): string {
  const dn = normalDn(group);
  return dn === undefined ? `name:${normalName(group)}` : `dn:${dn}`;
}

/** What a person's group answers to: its DN and its common name, or the bare name that it is. */
function keysOf(group: string): string[] {
  const name = commonNameOf(group);
  return [keyOf(group), ...(name === undefined ? [] : [`name:${name}`])];
}
