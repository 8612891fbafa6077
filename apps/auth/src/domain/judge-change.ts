import type { Level, Permission, Principal } from '@lineclear/contracts';
import { beyond } from './permissions.js';

/** Where a person stands: what decides whether somebody else may change that. */
export interface Standing {
  readonly level: Level;
  readonly levelPriority: number;
  readonly isActive: boolean;
  readonly permissions: readonly Permission[];
}

export type Verdict =
  | { readonly state: 'allowed' }
  /** People do not take rights from themselves: a slip would lock them out. */
  | { readonly state: 'weakens_oneself' }
  /** The change gives, or reaches a person who has, what the caller does not hold. */
  | { readonly state: 'beyond_caller'; readonly rights: readonly string[] };

/**
 * Whether the caller may make a person who stands as `before` (undefined: who is new) stand as `after`. Nobody gives, or
 * acts on someone with, more than they hold: otherwise a key scoped to `admin.users` could make itself an admin. The level
 * counts beside the permissions: who may approve goes by it, and denials could hide what it would bring.
 */
export function judgeChange(
  caller: Pick<Principal, 'level_priority'> & Pick<Standing, 'permissions'> & { readonly isTarget: boolean },
  before: Standing | undefined,
  after: Standing,
): Verdict {
  const touched = before ? [before, after] : [after];
  const above = touched.filter(({ levelPriority }) => levelPriority > caller.level_priority);
  const levels = new Set(above.map(({ level }) => level));
  const permissions = new Set(touched.flatMap((standing) => standing.permissions));
  const rights = [...levels].map((level) => `level ${level}`);
  rights.push(...beyond(caller.permissions, [...permissions]));
  if (rights.length > 0) return { state: 'beyond_caller', rights };
  if (caller.isTarget && before && isWeaker(after, before)) return { state: 'weakens_oneself' };
  return { state: 'allowed' };
}

const isWeaker = (after: Standing, before: Standing): boolean =>
  (before.isActive && !after.isActive) ||
  after.levelPriority < before.levelPriority ||
  beyond(after.permissions, before.permissions).length > 0;
