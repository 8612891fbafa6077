import type { Level } from '@lineclear/contracts';

export const PRIORITIES = ['normal', 'high'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The number that orders jobs: levels are two apart, so that "high" never jumps over the level above. */
export const bandOf = (levelPriority: number, priority: Priority): number =>
  levelPriority * 2 + (priority === 'high' ? 1 : 0);

export const bandName = (level: Level, band: number): string => (band % 2 === 1 ? `${level}_high` : level);
