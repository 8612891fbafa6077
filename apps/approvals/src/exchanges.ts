import { Inject, Injectable } from '@nestjs/common';
import { Bus, newEventId } from '@lineclear/bus';
import { Clock, CONFIG, Conflict, Database, type Tx } from '@lineclear/kit';
import type { Config } from './config.js';
import { countComments, insertComment } from './db/comments.repo.js';
import { endRound, setReview, startRound } from './db/requests.repo.js';
import type { ApprovalRequest, Via } from './domain/approval-request.js';
import type { Comment, CommentKind } from './domain/comment.js';
import { mayReview, type Decider } from './domain/decide.js';
import { bypassReviewed, changesRequested, stageStarted } from './events/outcome-of-request.js';
import {
  decidableRequest,
  entryOf,
  held,
  lockedRequest,
  openRequest,
  refuseUnless,
  type Person,
} from './held-requests.js';

const HOUR_MS = 3_600_000;
// So that nobody fills a database with one request; what a decision needs to say is always taken.
const MAX_COMMENTS = 200;

/** What people write to each other about a request, and what follows from it. */
@Injectable()
export class Exchanges {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends it back to the requester: what was said in this round is void, and nobody decides before they answer. @throws as `decide` */
  async requestChanges(id: string, by: Decider, text: string, via: Via): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const { request } = await decidableRequest(tx, id, by, now);
      const comment = await this.#note(tx, request, by, 'changes_requested', text, now);
      const after = held(await endRound(tx, id, now));
      await this.bus.publish(
        tx,
        changesRequested(after, comment, via),
        entryOf('approval.changes_requested', request, { via, round: request.round }),
      );
      return after;
    });
  }

  /** Begins the next round. Whether this is the requester is the caller's question. @throws NotFound, Conflict */
  async resubmit(id: string, by: Person, text: string): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const request = await openRequest(tx, id, now);
      if (request.awaits === 'approvers')
        throw new Conflict('nobody asked for changes: the request waits for a decision');
      const expiresAt = new Date(now.getTime() + this.config.APPROVAL_TTL_HOURS * HOUR_MS);
      const after = held(await startRound(tx, id, expiresAt, now));
      await this.#note(tx, after, by, 'resubmitted', text, now);
      await this.bus.publish(
        tx,
        stageStarted(after, 'round'),
        entryOf('approval.resubmitted', after, { round: after.round }),
      );
      return after;
    });
  }

  /** Whether this person may is the caller's question. @throws NotFound, Conflict (it ended, or there are too many) */
  async comment(id: string, by: Person, text: string): Promise<Comment> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const request = await openRequest(tx, id, now);
      if ((await countComments(tx, id)) >= MAX_COMMENTS)
        throw new Conflict(`a request takes ${MAX_COMMENTS} comments, and has them`);
      const comment = await this.#note(tx, request, by, 'comment', text, now);
      await this.bus.publish(tx, entryOf('approval.commented', request, {}));
      return comment;
    });
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
      const request = await lockedRequest(tx, id);
      if (request.bypassReview === null) throw new Conflict('nobody passed this approval');
      if (request.bypassReview !== 'due') throw new Conflict(`somebody ${request.bypassReview} already`);
      refuseUnless(mayReview(request, by), request, now);
      const comment = await this.#note(tx, request, by, 'reviewed', text, now);
      await setReview(tx, id, verdict);
      const entry = entryOf('approval.bypass_reviewed', request, { verdict });
      await this.bus.publish(tx, bypassReviewed(request, verdict, comment), entry);
      return { ...request, bypassReview: verdict };
    });
  }

  async #note(
    tx: Tx,
    { id: requestId, round }: ApprovalRequest,
    { userId, username }: Person,
    kind: CommentKind,
    text: string,
    at: Date,
  ): Promise<Comment> {
    const comment = { id: newEventId(), requestId, round, kind, userId, username, text, at };
    await insertComment(tx, comment);
    return comment;
  }
}
