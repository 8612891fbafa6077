import type { Principal } from '@lineclear/contracts';
import { can } from '@lineclear/access';
import { NotAllowed } from '@lineclear/kit';
import { GLOBAL, userScope } from '../domain/lookup.js';
import type { Scope } from './secret-schemas.js';

/** The scope a caller may act in. One's own takes what submitting a job takes, everybody's takes an administrator. @throws NotAllowed */
export function scopeOf(who: Principal, scope: Scope): string {
  const permission = scope === 'user' ? 'job.submit' : 'admin.config';
  if (can(who, permission)) return scope === 'user' ? userScope(who.user_id) : GLOBAL;
  throw new NotAllowed(
    `this needs the permission ${permission}${scope === 'global' ? '; secrets of your own have scope "user"' : ''}`,
  );
}

export const publicScope = (scope: string): Scope => (scope === GLOBAL ? 'global' : 'user');
