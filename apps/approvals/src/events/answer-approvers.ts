import { Controller } from '@nestjs/common';
import { ask, Bus, OnRequest } from '@lineclear/bus';
import { approversFor, approversNow, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Clock, Database } from '@lineclear/kit';
import { findRequest } from '../db/requests.repo.js';
import { votesOf } from '../db/votes.repo.js';
import { levelsOf, statusAt } from '../domain/approval-request.js';

const DEADLINE_MS = 1_500;

/** Tells whoever writes to people whom to ask about a request, as it stands at this moment. */
@Controller()
export class AnswerApprovers {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @OnRequest(approversNow)
  async approvers({
    approval_id: id,
  }: RequestOf<typeof approversNow>): Promise<ReplyOf<typeof approversNow>> {
    const request = await findRequest(this.database, id);
    if (!request || request.awaits !== 'approvers' || statusAt(request, this.clock.now()) !== 'pending')
      return { people: [] };
    const votes = await votesOf(this.database, [id]);
    const voted = votes.filter(({ round }) => round === request.round).map(({ userId }) => userId);
    const teamId = request.stages[request.stage]!.team_id;
    const { people } = await ask(
      this.bus,
      approversFor,
      {
        org_id: request.orgId,
        levels: [...levelsOf(request)],
        ...(teamId !== undefined && { team_id: teamId }),
        not: request.userId,
      },
      DEADLINE_MS,
    );
    return { people: people.filter(({ user_id }) => !voted.includes(user_id)) };
  }
}
