import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, canFor, tenantOf, Who } from '@lineclear/access';
import { fields, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { Approvers, rightsOf } from '../approvers.js';
import { countRequests, listRequests, type RequestFilter } from '../db/request-list.repo.js';
import { findRequestOfJob } from '../db/requests.repo.js';
import { votesOf } from '../db/votes.repo.js';
import { Decisions, type Word } from '../decisions.js';
import { mayDecide } from './deciders.js';
import {
  approveBody,
  listQuery,
  mineQuery,
  rejectBody,
  requestAnswer,
  requestsAnswer,
  showRequest,
  type RequestAnswer,
  type RequestsAnswer,
} from './request-wire.js';
import { maySee, ShownRequests } from './shown-requests.js';

const requestId = z.uuid();

/** What waits for a decision, and the deciding. */
@Controller('api/approvals')
export class RequestsController {
  constructor(
    private readonly database: Database,
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
    private readonly requests: ShownRequests,
    private readonly clock: Clock,
  ) {}

  @Get('requests')
  @Allow('admin.approve')
  @Answers(200, requestsAnswer, 'Lists approval requests, newest first')
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<RequestsAnswer> {
    const status = query.pending_only === 'true' ? 'pending' : query.status;
    return this.#page({ status, bypassReview: query.bypass_review }, { orgId: tenantOf(who) }, query);
  }

  @Get('me')
  @Allow('job.view.own')
  @Answers(200, requestsAnswer, "Lists the caller's own approval requests, newest first")
  async mine(
    @Query({ schema: mineQuery }) query: z.infer<typeof mineQuery>,
    @Who() who: Principal,
  ): Promise<RequestsAnswer> {
    return this.#page({ status: query.status }, { userId: who.user_id }, query);
  }

  @Get('requests/pending/count')
  @Allow('admin.approve')
  @Answers(200, z.object({ pending_count: z.int() }), 'Says how many requests wait for a decision')
  async pendingCount(@Who() who: Principal): Promise<{ pending_count: number }> {
    const filter = { status: 'pending' as const, orgId: tenantOf(who) };
    return { pending_count: await countRequests(this.database, filter, this.clock.now()) };
  }

  @Get('requests/job/:job_id')
  @Allow()
  @Answers(200, requestAnswer, 'Shows the approval request of a job')
  async ofJob(
    @Param('job_id', { schema: fields.jobId }) jobId: string,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    const request = await findRequestOfJob(this.database, jobId);
    if (!request || !maySee(who, request)) throw new NotFound('approval request of job', jobId);
    return this.requests.shown(request);
  }

  @Get('requests/:id')
  @Allow()
  @Answers(200, requestAnswer, 'Shows an approval request')
  async show(@Param('id', { schema: requestId }) id: string, @Who() who: Principal): Promise<RequestAnswer> {
    return this.requests.shown(await this.requests.seenBy(who, id));
  }

  @Post('requests/:id/approve')
  @Allow('admin.approve')
  @Answers(200, requestAnswer, 'Approves: once enough people have, the job goes on to the queue')
  async approve(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: approveBody }) body: z.infer<typeof approveBody>,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    return this.#decide(who, id, { status: 'approved', notes: body.notes ?? null, via: 'api' });
  }

  @Post('requests/:id/reject')
  @Allow('admin.approve')
  @Answers(200, requestAnswer, 'Rejects, with a reason: once enough people have, the job is cancelled')
  async reject(
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: rejectBody }) body: z.infer<typeof rejectBody>,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    return this.#decide(who, id, { status: 'rejected', notes: body.reason, via: 'api' });
  }

  @Post('requests/:id/cancel')
  @Allow()
  @Answers(
    200,
    requestAnswer,
    'Takes a request back, by its requester or by whoever may decide it: the job is cancelled',
  )
  async cancel(
    @Param('id', { schema: requestId }) id: string,
    @Who() who: Principal,
  ): Promise<RequestAnswer> {
    const seen = await this.requests.seenBy(who, id);
    const mayCancel = canFor(who, 'job.cancel', seen);
    if (!mayCancel && !mayDecide(who, seen)) throw new NotFound('approval request', id);
    const request = mayCancel
      ? await this.decisions.withdraw(id, rightsOf(who))
      : await this.decisions.withdrawAsDecider(id, await this.approvers.deciderOf(rightsOf(who)));
    return this.requests.shown(request);
  }

  async #decide(who: Principal, id: string, word: Word): Promise<RequestAnswer> {
    await this.requests.mustBeDecidableBy(who, id);
    return this.requests.shown(
      await this.decisions.decide(id, await this.approvers.deciderOf(rightsOf(who)), word),
    );
  }

  async #page(
    status: RequestFilter,
    whose: RequestFilter,
    query: { limit: number; cursor?: number | undefined },
  ): Promise<RequestsAnswer> {
    const now = this.clock.now();
    const filter = { ...status, ...whose };
    const [found, total, pending] = await Promise.all([
      listRequests(this.database, filter, { limit: query.limit, before: query.cursor }, now),
      countRequests(this.database, filter, now),
      countRequests(this.database, { ...whose, status: 'pending' }, now),
    ]);
    const votes = await votesOf(
      this.database,
      found.map(({ request }) => request.id),
    );
    const last = found.at(-1);
    return {
      requests: found.map(({ request }) => showRequest(request, votes, now)),
      total,
      pending_count: pending,
      ...(last && found.length === query.limit ? { next_cursor: last.seq } : {}),
    };
  }
}
