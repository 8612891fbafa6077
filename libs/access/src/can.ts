import { isWithin, type Permission, type Principal } from '@lineclear/contracts';
import { clientAddress, NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

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

/** Whether this principal's key may be used from where the request comes from. */
export const mayComeFrom = (principal: Principal, request: Pick<FastifyRequest, 'ip' | 'ips'>): boolean =>
  principal.allowed_cidrs === undefined || isWithin(principal.allowed_cidrs, clientAddress(request));
