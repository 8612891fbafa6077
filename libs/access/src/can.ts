import { isWithin, type Permission, type Principal } from '@lineclear/contracts';
import { clientAddress, NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';

/** Whether this principal may do this at all. Permissions already carry overrides and the key's scope. */
export const can = (principal: Pick<Principal, 'permissions'>, permission: Permission): boolean =>
  principal.permissions.includes(permission);

/** @throws NotAllowed when this principal may not do this. */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (!can(principal, permission)) throw new NotAllowed(`this needs the permission ${permission}`);
}

/** Whose something is: a person's, and their organisation's (null: of none) at the time it was made. */
export interface Owner {
  readonly userId: number;
  readonly orgId: number | null;
}

/** What says which organisation somebody is held to. */
type Tenant = Pick<Principal, 'permissions' | 'org'>;

/** The organisation that this principal sees nothing beyond; undefined for those who make organisations: they see all. */
export const tenantOf = (principal: Tenant): number | null | undefined =>
  can(principal, 'org.create') ? undefined : (principal.org?.id ?? null);

/** Whether this principal knows of what belongs to that organisation. Who belongs to none knows of what belongs to none. */
export function isOfTenant(principal: Tenant, orgId: number | null): boolean {
  const tenant = tenantOf(principal);
  return tenant === undefined || tenant === orgId;
}

/** Whether approvals of that organisation's jobs are this person's to give; each asks for a level beside. */
export const mayApproveFor = (who: Tenant, orgId: number | null): boolean =>
  can(who, 'admin.approve') && isOfTenant(who, orgId);

/** Whether this principal may do this to something: with `<what>.all` in their organisation, or with `<what>.own` on what is theirs. */
export function canFor(principal: Principal, what: 'job.view' | 'job.cancel', owner: Owner): boolean {
  return (
    (can(principal, `${what}.all`) && isOfTenant(principal, owner.orgId)) ||
    (principal.user_id === owner.userId && can(principal, `${what}.own`))
  );
}

/** Of whom a list shows things: undefined where it does not matter. */
export interface Reach {
  readonly userId?: number | undefined;
  readonly orgId?: number | null | undefined;
}

/** Whose jobs this principal sees. */
export const jobsSeenBy = (principal: Principal): Reach =>
  can(principal, 'job.view.all') ? { orgId: tenantOf(principal) } : { userId: principal.user_id };

/** @throws NotAllowed for who is let in for the network they come from: credentials are made and ended with credentials. */
export function requireOwnCredential({ via }: Principal): void {
  if (via === 'internal') throw new NotAllowed('this needs a session or an API key of one’s own');
}

/** Whether this principal's key may be used from where the request comes from. */
export const mayComeFrom = (principal: Principal, request: Pick<FastifyRequest, 'ip' | 'ips'>): boolean =>
  principal.allowed_cidrs === undefined || isWithin(principal.allowed_cidrs, clientAddress(request));
