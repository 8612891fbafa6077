import { Injectable } from '@nestjs/common';
import { canFor } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Clock, Database, NotFound } from '@lineclear/kit';
import { findRequest } from '../db/requests.repo.js';
import { votesOf } from '../db/votes.repo.js';
import type { ApprovalRequest } from '../domain/approval-request.js';
import { mayDecide } from './deciders.js';
import { showRequest, type RequestAnswer } from './request-wire.js';

/** Requests as somebody may know of them. */
@Injectable()
export class ShownRequests {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound for one that they may not see */
  async seenBy(who: Principal, id: string): Promise<ApprovalRequest> {
    const request = await findRequest(this.database, id);
    if (!request || !maySee(who, request)) throw new NotFound('approval request', id);
    return request;
  }

  /** @throws NotFound for one that is not theirs to decide, of whatever level they are */
  async mustBeDecidableBy(who: Principal, id: string): Promise<void> {
    const request = await findRequest(this.database, id);
    if (!request || !mayDecide(who, request)) throw new NotFound('approval request', id);
  }

  async shown(request: ApprovalRequest): Promise<RequestAnswer> {
    return showRequest(request, await votesOf(this.database, [request.id]), this.clock.now());
  }
}

export const maySee = (who: Principal, request: ApprovalRequest): boolean =>
  mayDecide(who, request) || canFor(who, 'job.view', request);
