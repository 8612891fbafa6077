import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { approversNow, MAX_APPROVERS, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import { Approvers } from '../approvers.js';
import { findRequest } from '../db/requests.repo.js';

/** Tells whoever writes to people whom to ask about a request, as it stands at this moment. */
@Controller()
export class AnswerApprovers {
  constructor(
    private readonly database: Database,
    private readonly approvers: Approvers,
  ) {}

  @OnRequest(approversNow)
  async answer({ approval_id: id }: RequestOf<typeof approversNow>): Promise<ReplyOf<typeof approversNow>> {
    const request = await findRequest(this.database, id);
    const people = request ? await this.approvers.toAsk(request) : [];
    // Of too many the last: those before them were asked when it had not gone on yet.
    return { people: people.slice(-MAX_APPROVERS) };
  }
}
