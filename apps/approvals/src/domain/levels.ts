import { SYSTEM_LEVEL_NAMES, SYSTEM_LEVELS, type Level, type SystemLevel } from '@lineclear/contracts';

const isSystem = (level: Level): level is SystemLevel =>
  (SYSTEM_LEVEL_NAMES as readonly Level[]).includes(level);

/** Whether who reaches `higher` surely reaches `level`. How levels that were made stand to each other is known to auth alone. */
function covers(higher: Level, level: Level): boolean {
  if (higher === 'admin') return true;
  if (!isSystem(higher) || !isSystem(level)) return higher === level;
  return SYSTEM_LEVELS[higher].priority >= SYSTEM_LEVELS[level].priority;
}

/** Of levels that all have to be reached those that say it all: one, where it is known which is the highest. */
export function neededOf(levels: readonly Level[]): readonly Level[] {
  const different = [...new Set(levels)];
  return different.filter((level) => !different.some((other) => other !== level && covers(other, level)));
}
