import type { Permission, Principal } from '@lineclear/contracts';
import { NotAllowed } from '@lineclear/kit';

/** Whether this principal may do this at all. Permissions already carry overrides and the key's scope. */
export const can = (principal: Principal, permission: Permission): boolean =>
  principal.permissions.includes(permission);

/** @throws NotAllowed when this principal may not do this. */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (!can(principal, permission)) throw new NotAllowed(`this needs the permission ${permission}`);
}

/** Whether this principal may do this to something of `ownerId`: with `<what>.all`, or with `<what>.own` on what is theirs. */
export function canFor(principal: Principal, what: 'job.view' | 'job.cancel', ownerId: number): boolean {
  return can(principal, `${what}.all`) || (principal.user_id === ownerId && can(principal, `${what}.own`));
}
