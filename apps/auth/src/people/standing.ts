import { LEVEL_PRIORITY } from '@lineclear/contracts';
import { Conflict, NotAllowed } from '@lineclear/kit';
import type { UserRow } from '../db/users.repo.js';
import type { judgeChange, Standing } from '../domain/judge-change.js';
import { permissionsOf } from '../domain/permissions.js';

export const standingOf = (user: UserRow): Standing => ({
  level: user.level,
  levelPriority: LEVEL_PRIORITY[user.level],
  isActive: user.is_active,
  permissions: permissionsOf(user),
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
