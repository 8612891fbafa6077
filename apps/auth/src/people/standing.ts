import { Conflict, NotAllowed } from '@lineclear/kit';
import type { LevelRow } from '../db/level.entity.js';
import type { UserRow } from '../db/users.repo.js';
import type { judgeChange, Standing } from '../domain/judge-change.js';
import { permissionsOf } from '../domain/permissions.js';

export const standingOf = (user: UserRow): Standing => ({
  level: user.level,
  levelPriority: user.level_priority,
  isActive: user.is_active,
  permissions: permissionsOf(user),
});

/** Where whoever holds the level stands. */
export const standingAt = ({ name, priority, permissions }: LevelRow): Standing => ({
  level: name,
  levelPriority: priority,
  isActive: true,
  permissions,
});

/** @throws Conflict, NotAllowed when the change must not be made. */
export function allowOrThrow(verdict: ReturnType<typeof judgeChange>): void {
  switch (verdict.state) {
    case 'allowed':
      return;
    case 'weakens_oneself':
      throw new Conflict('nobody takes rights from themselves: another admin can');
    case 'beyond_caller':
      throw new NotAllowed(
        `this is about rights that the caller does not hold: ${verdict.rights.join(', ')}`,
      );
  }
}
