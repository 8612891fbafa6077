import { can, isOfTenant } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import type { ApprovalRequest } from '../domain/approval-request.js';
import type { Decider } from '../domain/decide.js';

/** Whether requests such as this one are this person's to decide; their level is looked at when they do. */
export const mayDecide = (who: Principal, request: ApprovalRequest): boolean =>
  can(who, 'admin.approve') && isOfTenant(who, request.orgId);

export const deciderOf = (who: Principal): Decider => ({
  userId: who.user_id,
  username: who.username,
  level: who.level,
  reaches: who.reaches,
});
