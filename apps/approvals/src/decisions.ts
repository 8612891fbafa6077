import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, newEventId, type Outgoing } from '@lineclear/bus';
import type { AuditActor } from '@lineclear/contracts';
import { Clock, CONFIG, Conflict, Database, Metrics, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';
import type { Config } from './config.js';
import { forgetWhatMailSaid } from './db/absences.repo.js';
import { countComments, insertComment } from './db/comments.repo.js';
import {
  countRequests,
  demandReview,
  endRound,
  lockRequest,
  setReview,
  settleRequest,
  startRound,
  startStage,
  type Outcome,
} from './db/requests.repo.js';
import { insertVote, votesOf } from './db/votes.repo.js';
import type { ApprovalRequest, Via } from './domain/approval-request.js';
import type { Comment, CommentKind } from './domain/comment.js';
import { decide, mayReview, stillOpen, type Decider, type Decision } from './domain/decide.js';
import { explainRefusal } from './domain/explain-refusal.js';
import { tally, votedIn, type Vote } from './domain/votes.js';
import {
  bypassed,
  bypassReviewed,
  changesRequested,
  outcomeOf,
  stageStarted,
} from './events/outcome-of-request.js';

const HOUR_MS = 3_600_000;
// So that nobody fills a database with one request.
const MAX_COMMENTS = 200;

/** One person's word on a request. */
export interface Word {
  readonly status: 'approved' | 'rejected';
  readonly notes: string | null;
  readonly via: Via;
}
type Person = Pick<Decider, 'userId' | 'username'>;

/** Where every word on a request ends, however it came in: judged, written, counted and told, in one transaction. */
@Injectable()
export class Decisions {
  readonly #counter: Counter;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    metrics: Metrics,
  ) {
    new Gauge({
      name: 'lineclear_approval_requests_pending',
      help: 'Approval requests that wait for a decision',
      registers: [metrics.registry],
      async collect() {
        this.set(await countRequests(database, { status: 'pending' }, clock.now()));
      },
    });
    this.#counter = new Counter({
      name: 'lineclear_approval_decisions_total',
      help: 'Approval requests that ended, by how',
      labelNames: ['decision'],
      registers: [metrics.registry],
    });
  }

  /**
   * Counts one person's yes or no, which may be the one that ends the request. `actor` is for the audit log, where the one who
   * decides is not who calls this service.
   * @throws NotFound, NotAllowed (one's own, twice, the level or the team is not theirs), Conflict (decided or expired already,
   * or the requester is to answer first)
   */
  async decide(id: string, by: Decider, word: Word, actor?: AuditActor): Promise<ApprovalRequest> {
    return this.database.tx((tx) => this.decideIn(tx, id, by, word, actor));
  }

  /** The same, where more belongs to the transaction. */
  async decideIn(tx: Tx, id: string, by: Decider, word: Word, actor?: AuditActor): Promise<ApprovalRequest> {
    const now = this.clock.now();
    const { request, votes, inPlaceOf } = await this.#askedOf(tx, id, by, now);
    const { status, notes, via } = word;
    const vote: Vote = {
      requestId: id,
      round: request.round,
      stage: request.stage,
      userId: by.userId,
      username: by.username,
      inPlaceOf,
      approves: status === 'approved',
      notes,
      via,
      at: now,
    };
    await insertVote(tx, vote);
    await forgetWhatMailSaid(tx, by.userId);
    const counted = tally(request, [...votes, vote]);
    if (counted === 'approved' || counted === 'rejected')
      return this.#settle(
        tx,
        id,
        { status: counted, byId: by.userId, by: by.username, notes, via },
        now,
        actor,
      );
    const after = counted === 'waits' ? request : await startStage(tx, id, request.stage + 1, now);
    const entry = this.#entry('approval.voted', request, { vote: status, via, round: vote.round }, actor);
    await this.bus.publish(tx, ...(counted === 'waits' ? [] : [stageStarted(held(after), 'stage')]), entry);
    return held(after);
  }

  /** Sends it back to the requester: what was said in this round is void, and nobody decides before they answer. @throws as `decide` */
  async requestChanges(id: string, by: Decider, text: string, via: Via): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const { request } = await this.#askedOf(tx, id, by, now);
      const comment = await this.#note(tx, request, by, 'changes_requested', text, now);
      const after = held(await endRound(tx, id, now));
      await this.bus.publish(
        tx,
        changesRequested(after, comment, via),
        this.#entry('approval.changes_requested', request, { via, round: request.round }),
      );
      return after;
    });
  }

  /** Begins the next round. Whether this is the requester is the caller's question. @throws NotFound, Conflict */
  async resubmit(id: string, by: Person, text: string): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const request = await this.#open(tx, id, now);
      if (request.awaits === 'approvers')
        throw new Conflict('nobody asked for changes: the request waits for a decision');
      const expiresAt = new Date(now.getTime() + this.config.APPROVAL_TTL_HOURS * HOUR_MS);
      const after = held(await startRound(tx, id, expiresAt, now));
      await this.#note(tx, after, by, 'resubmitted', text, now);
      await this.bus.publish(
        tx,
        stageStarted(after, 'round'),
        this.#entry('approval.resubmitted', after, { round: after.round }),
      );
      return after;
    });
  }

  /** Whether this person may is the caller's question. @throws NotFound, Conflict (it ended, or there are too many) */
  async comment(id: string, by: Person, text: string): Promise<Comment> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const request = await this.#open(tx, id, now);
      const comment = await this.#note(tx, request, by, 'comment', text, now);
      await this.bus.publish(tx, this.#entry('approval.commented', request, {}));
      return comment;
    });
  }

  /** Lets it pass, as the requester may and says why, for somebody to look at afterwards. @throws NotFound, Conflict */
  async bypassIn(tx: Tx, id: string, by: Person, notes: string): Promise<ApprovalRequest> {
    const now = this.clock.now();
    await this.#open(tx, id, now);
    const outcome = { status: 'approved', byId: by.userId, by: by.username, notes, via: 'bypass' } as const;
    const request = await this.#settle(tx, id, outcome, now);
    await demandReview(tx, id, now);
    await this.bus.publish(tx, bypassed(request, 1), this.#entry('approval.bypassed', request, {}));
    return request;
  }

  /** Says whether passing it was right. @throws NotFound, NotAllowed, Conflict (nobody is to, or somebody has) */
  async review(
    id: string,
    by: Decider,
    verdict: 'accepted' | 'objected',
    text: string,
  ): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const request = await this.#lock(tx, id);
      if (request.bypassReview === null) throw new Conflict('nobody passed this approval');
      if (request.bypassReview !== 'due') throw new Conflict(`somebody ${request.bypassReview} already`);
      refuseUnless(mayReview(request, by), request, now);
      const comment = await this.#note(tx, request, by, 'reviewed', text, now);
      await setReview(tx, id, verdict);
      const entry = this.#entry('approval.bypass_reviewed', request, { verdict });
      await this.bus.publish(tx, bypassReviewed(request, verdict, comment), entry);
      return { ...request, bypassReview: verdict };
    });
  }

  /** Takes the request back. Whether this person may is the caller's question. @throws NotFound, Conflict */
  async withdraw(id: string, by: Person): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      await this.#open(tx, id, now);
      return this.#settle(tx, id, cancelledBy(by), now);
    });
  }

  /** The same by somebody who may decide it: to whoever asked it is a no, so it takes whom, and how many, a no takes. @throws as `decide` */
  async withdrawAsDecider(id: string, by: Decider): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const { request } = await this.#askedOf(tx, id, by, now);
      if (request.rejections > 1)
        throw new NotAllowed(`it takes ${request.rejections} people to end this request: reject it`);
      return this.#settle(tx, id, cancelledBy(by), now);
    });
  }

  /** Counts ends that came about elsewhere. */
  count(decision: 'expired', requests: number): void {
    this.#counter.inc({ decision }, requests);
  }

  async #settle(
    tx: Tx,
    id: string,
    outcome: Outcome,
    now: Date,
    actor?: AuditActor,
  ): Promise<ApprovalRequest> {
    const request = held(await settleRequest(tx, id, outcome, now));
    const told = outcomeOf(request);
    const entry = this.#entry(`approval.${outcome.status}`, request, { via: outcome.via }, actor);
    await this.bus.publish(tx, ...(told ? [told] : []), entry);
    tx.afterCommit(() => this.#counter.inc({ decision: outcome.status }));
    return request;
  }

  /** The request, which nobody else changes until the transaction ends, and what was said in this round. */
  async #askedOf(
    tx: Tx,
    id: string,
    by: Decider,
    now: Date,
  ): Promise<{ request: ApprovalRequest; votes: readonly Vote[]; inPlaceOf: Vote['inPlaceOf'] }> {
    const request = await this.#lock(tx, id);
    const votes = (await votesOf(tx, [id])).filter(({ round }) => round === request.round);
    const decision = decide(request, by, votedIn(request, votes), now);
    refuseUnless(decision, request, now);
    const { userId, username } = (decision.granted && decision.inPlaceOf) || {};
    return { request, votes, inPlaceOf: userId && username ? { userId, username } : null };
  }

  async #open(tx: Tx, id: string, now: Date): Promise<ApprovalRequest> {
    const request = await this.#lock(tx, id);
    refuseUnless(stillOpen(request, now), request, now);
    return request;
  }

  async #lock(tx: Tx, id: string): Promise<ApprovalRequest> {
    const request = await lockRequest(tx, id);
    if (!request) throw new NotFound('approval request', id);
    return request;
  }

  async #note(
    tx: Tx,
    { id: requestId, round }: ApprovalRequest,
    { userId, username }: Person,
    kind: CommentKind,
    text: string,
    at: Date,
  ): Promise<Comment> {
    if ((await countComments(tx, requestId)) >= MAX_COMMENTS)
      throw new Conflict(`a request takes ${MAX_COMMENTS} comments, and has them`);
    const comment = { id: newEventId(), requestId, round, kind, userId, username, text, at };
    await insertComment(tx, comment);
    return comment;
  }

  #entry(
    action: string,
    { id, jobId, userId }: ApprovalRequest,
    details: Readonly<Record<string, string | number>>,
    actor?: AuditActor,
  ): Outgoing {
    return audited(action, {
      target: `approval/${id}`,
      details: { job_id: jobId, requested_by: userId, ...details },
      ...(actor && { actor }),
    });
  }
}

const cancelledBy = ({ userId: byId, username: by }: Person): Outcome => ({
  status: 'cancelled',
  byId,
  by,
  notes: null,
  via: 'api',
});

/** What a change of a request left, which was held and open just before: it fails only if time ran out in between. */
function held(request: ApprovalRequest | undefined): ApprovalRequest {
  if (!request) throw new Conflict('the request ended at the same moment: look again');
  return request;
}

function refuseUnless(decision: Decision, request: ApprovalRequest, now: Date): void {
  if (decision.granted) return;
  const why = explainRefusal(decision.why, request, now);
  switch (decision.why) {
    case 'already decided':
    case 'expired':
    case 'changes requested':
      throw new Conflict(why);
    case 'self-approval':
    case 'voted already':
    case 'level too low':
    case 'not of the team':
      throw new NotAllowed(why);
  }
}
