import { LEVEL_PRIORITY, LEVELS, type Level } from '@lineclear/contracts';

export const PRIORITIES = ['normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

// Less than the distance between two levels, so that "high" never jumps over a level.
const HIGH = 5;

/** The number that orders jobs: the level's own, and a little more for a job of high priority. */
export const bandOf = (level: Level, priority: Priority): number =>
  LEVEL_PRIORITY[level] + (priority === 'high' ? HIGH : 0);

/** Every band there is, the first to go first. */
export const BANDS: readonly number[] = LEVELS.flatMap((level) =>
  PRIORITIES.map((priority) => bandOf(level, priority)),
).sort((a, b) => b - a);

export const bandName = (level: Level, band: number): string =>
  band > LEVEL_PRIORITY[level] ? `${level}_high` : level;
