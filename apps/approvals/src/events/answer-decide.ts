import { Controller } from '@nestjs/common';
import { decideForJob, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { OnRequest } from '@lineclear/bus';
import { Clock, Conflict, Database, NotAllowed, NotFound } from '@lineclear/kit';
import { Approvers } from '../approvers.js';
import { findRequestOfJob } from '../db/requests.repo.js';
import { Decisions } from '../decisions.js';

type Reply = ReplyOf<typeof decideForJob>;

// Of the contract. There may be many levels to name.
const MAX_MESSAGE = 500;

/** Decisions of those who look at the queue instead of at the requests. */
@Controller()
export class AnswerDecide {
  constructor(
    private readonly database: Database,
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
    private readonly clock: Clock,
  ) {}

  @OnRequest(decideForJob)
  async decide({
    job_id,
    approval_id: wanted,
    asked,
    status,
    notes,
    by,
  }: RequestOf<typeof decideForJob>): Promise<Reply> {
    const { level, reaches, team_ids: teamIds = [], tenant, actor } = by;
    const { user_id: userId, username } = actor;
    try {
      const request = await findRequestOfJob(this.database, job_id);
      const isOther = wanted !== undefined && wanted !== request?.id;
      if (!request || isOther || (tenant !== undefined && tenant !== request.orgId))
        throw new NotFound('approval request of job', job_id);
      const decided = await this.decisions.decide(
        request.id,
        await this.approvers.deciderOf({ userId, username, level, reaches, teamIds }),
        { status, notes: notes ?? null, via: actor.via === 'slack' ? 'slack' : 'api', asked },
        actor,
      );
      const { id: approval_id, reviewedAt } = decided;
      return reviewedAt
        ? { decided: { approval_id, at: reviewedAt.toISOString() } }
        : { decided: { approval_id, at: this.clock.now().toISOString(), is_open: true } };
    } catch (error) {
      if (error instanceof NotFound || error instanceof NotAllowed || error instanceof Conflict)
        return { refused: { why: error.code, message: error.message.slice(0, MAX_MESSAGE) } };
      throw error;
    }
  }
}
