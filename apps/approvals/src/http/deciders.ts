import { mayApproveFor } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import type { ApprovalRequest } from '../domain/approval-request.js';

/** Whether requests such as this one are this person's to decide; their level is looked at when they do. */
export const mayDecide = (who: Pick<Principal, 'permissions' | 'org'>, request: ApprovalRequest): boolean =>
  mayApproveFor(who, request.orgId);
