import { LEVELS, LEVEL_PRIORITY, type Level } from '@lineclear/contracts';

/** Which groups have which level, written either way round: `{"admin": ["ML-Admins"]}` or `{"CN=ML-Admins,…": ["admin"]}`. */
export type LevelMapping = Readonly<Record<string, readonly string[]>>;

const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text);

/** The key of the first entry that has a level on neither side; undefined when there is none. */
export const entryWithoutLevel = (mapping: LevelMapping): string | undefined =>
  Object.entries(mapping).find(([key, values]) => !isLevel(key) && !values.every(isLevel))?.[0];

/** The highest level that a person's groups have, or `otherwise` when they are in none that is mapped. */
export function levelOf(groups: readonly string[], mapping: LevelMapping, otherwise: Level): Level {
  const held = new Set(groups);
  const levels = Object.entries(mapping).flatMap(([key, values]): Level[] => {
    if (isLevel(key)) return values.some((group) => held.has(group)) ? [key] : [];
    return held.has(key) ? values.filter(isLevel) : [];
  });
  return levels.toSorted((a, b) => LEVEL_PRIORITY[b] - LEVEL_PRIORITY[a])[0] ?? otherwise;
}
