import { mayApproveFor } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import type { ApprovalRequest } from '../domain/approval-request.js';
import type { Decider } from '../domain/decide.js';

/** Whether requests such as this one are this person's to decide; their level is looked at when they do. */
export const mayDecide = (who: Pick<Principal, 'permissions' | 'org'>, request: ApprovalRequest): boolean =>
  mayApproveFor(who, request.orgId);

export const deciderOf = (
  who: Pick<Principal, 'user_id' | 'username' | 'level' | 'reaches' | 'teams'>,
): Decider => ({
  userId: who.user_id,
  username: who.username,
  level: who.level,
  reaches: who.reaches,
  teamIds: (who.teams ?? []).map(({ id }) => id),
});
