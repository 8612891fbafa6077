import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database, NotAllowed } from '@lineclear/kit';
import { z } from 'zod';
import { Approvers, rightsOf } from '../approvers.js';
import { commentsOf } from '../db/comments.repo.js';
import { Exchanges } from '../exchanges.js';
import {
  commentAnswer,
  commentBody,
  requestAnswer,
  reviewBody,
  showComment,
  type RequestAnswer,
} from './request-wire.js';
import { ShownRequests } from './shown-requests.js';

const requestId = z.uuid();

/** What people write to each other about a request, and what follows from it. */
@Controller('api/approvals/requests')
export class ExchangesController {
  constructor(
    private readonly database: Database,
    private readonly exchanges: Exchanges,
    private readonly approvers: Approvers,
    private readonly requests: ShownRequests,
  ) {}

  @Post(':id/request-changes')
  @Allow('admin.approve')
  @Answers(200, requestAnswer, 'Sends it back to the requester: nobody decides before they answer')
  async requestChanges(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: commentBody }) body: z.infer<typeof commentBody>,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    await this.requests.mustBeDecidableBy(who, id);
    const by = await this.approvers.deciderOf(rightsOf(who));
    return this.requests.shown(await this.exchanges.requestChanges(id, by, body.comment, 'api'));
  }

  @Post(':id/resubmit')
  @Allow()
  @Answers(200, requestAnswer, 'Answers whoever asked for changes, by the requester: a new round begins')
  async resubmit(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: commentBody }) body: z.infer<typeof commentBody>,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    const seen = await this.requests.seenBy(who, id);
    if (seen.userId !== who.user_id) throw new NotAllowed('only the requester answers for the job');
    return this.requests.shown(await this.exchanges.resubmit(id, rightsOf(who), body.comment));
  }

  @Post(':id/review')
  @Allow('admin.approve')
  @Answers(200, requestAnswer, 'Says whether it was right that the requester passed the approval')
  async review(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: reviewBody }) body: z.infer<typeof reviewBody>,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    await this.requests.mustBeDecidableBy(who, id);
    const by = await this.approvers.deciderOf(rightsOf(who));
    return this.requests.shown(await this.exchanges.review(id, by, body.verdict, body.comment));
  }

  @Get(':id/comments')
  @Allow()
  @Answers(200, z.object({ comments: z.array(commentAnswer) }), 'Lists what was written about a request')
  async comments(
    @Param('id', { schema: requestId }) id: string,
    @Who() who: Principal,
  ): Promise<{ comments: z.infer<typeof commentAnswer>[] }> {
    await this.requests.seenBy(who, id);
    return { comments: (await commentsOf(this.database, id)).map(showComment) };
  }

  @Post(':id/comments')
  @Allow()
  @Answers(201, commentAnswer, 'Writes a comment that everybody reads who sees the request')
  async comment(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: commentBody }) body: z.infer<typeof commentBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof commentAnswer>> {
    await this.requests.seenBy(who, id);
    return showComment(await this.exchanges.comment(id, rightsOf(who), body.comment));
  }
}
