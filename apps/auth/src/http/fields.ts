import { cidr, levelName, PERMISSIONS, type Level } from '@lineclear/contracts';
import { z } from 'zod';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../domain/password-rules.js';
import type { LevelWish } from '../people/wished-level.js';

// Fields that several routes take, each with its bound. What people read must not hold line breaks or other controls.
export const printable = /^\P{Cc}*$/u;
export const username = z
  .string()
  .regex(/^[a-zA-Z0-9_.-]{1,50}$/, 'is not 1 to 50 of the characters a-z A-Z 0-9 _ . -');
export const email = z.email().max(254);
export const displayName = z.string().trim().min(1).max(120).regex(printable, 'holds control characters');
export const keyName = z.string().trim().min(1).max(100).regex(printable, 'holds control characters');
export const newPassword = z.string().min(MIN_PASSWORD_LENGTH).max(MAX_PASSWORD_LENGTH);
/** A password to compare with: whatever it is, it may be wrong. */
export const givenPassword = z.string().min(1).max(MAX_PASSWORD_LENGTH);
export const permission = z.enum(PERMISSIONS);
/** Networks in CIDR notation, each once. No network at all is refused: it could be meant as nowhere and as anywhere. */
export const allowedCidrs = z
  .array(cidr)
  .min(1)
  .max(50)
  .transform((cidrs) => [...new Set(cidrs)]);
/** Several levels per person may come; today it is one. */
export const levelNames = z.array(levelName).length(1, 'holds exactly one level');

const MAX_ID = 2_147_483_647;
/** An id in a body. */
export const bodyId = z.int().min(1).max(MAX_ID);
export const rowId = z
  .string()
  .regex(/^[1-9][0-9]{0,9}$/, 'is not an id')
  .transform(Number)
  .refine((id) => id <= MAX_ID, 'is not an id');
/** Above every id: where a list that shows the newest first begins. */
export const NEWEST = MAX_ID;
export const pageSize = z.coerce.number().int().min(1).max(500).default(100);

interface Levels {
  readonly level?: Level | undefined;
  readonly level_names?: readonly Level[] | undefined;
}

/** One level from both of its spellings, and where it was named; undefined when neither is there. */
export function levelOf(
  { level, level_names: [listed] = [] }: Levels,
  fields = { one: 'level', list: 'level_names' },
): LevelWish | undefined {
  if (level !== undefined) return { name: level, field: fields.one };
  return listed === undefined ? undefined : { name: listed, field: `${fields.list}.0` };
}

export const bothLevelsAgree = {
  check: ({ level, level_names: [listed] = [] }: Levels): boolean =>
    level === undefined || listed === undefined || level === listed,
  params: { path: ['level_names'], message: 'says another level than `level`' },
};
