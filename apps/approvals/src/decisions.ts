import { Injectable } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import type { AuditActor } from '@lineclear/contracts';
import { Clock, Database, Metrics, NotAllowed, type Tx } from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';
import { forgetWhatMailSaid } from './db/absences.repo.js';
import { countRequests } from './db/request-list.repo.js';
import { demandReview, settleRequest, startStage, type Outcome } from './db/requests.repo.js';
import { insertVote } from './db/votes.repo.js';
import type { ApprovalRequest, Via } from './domain/approval-request.js';
import type { AskedFor, Decider } from './domain/decide.js';
import { tally, type Vote } from './domain/votes.js';
import { bypassed, outcomeOf, stageStarted } from './events/outcome-of-request.js';
import { decidableRequest, entryOf, held, openRequest, type Person } from './held-requests.js';

/** One person's word on a request. */
export interface Word {
  readonly status: 'approved' | 'rejected';
  readonly notes: string | null;
  readonly via: Via;
  /** Then it counts only while that is what the request waits for. */
  readonly asked?: AskedFor | undefined;
}

/** Where every word on a request ends, however it came in: judged, written, counted and told, in one transaction. */
@Injectable()
export class Decisions {
  readonly #counter: Counter;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
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
    const { request, votes, inPlaceOf } = await decidableRequest(tx, id, by, now, word.asked);
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
    await Promise.all([
      insertVote(tx, vote),
      // What was said in advance says nothing of where somebody is now.
      via === 'standing' ? undefined : forgetWhatMailSaid(tx, by.userId),
    ]);
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
    const entry = entryOf('approval.voted', request, { vote: status, via, round: vote.round }, actor);
    await this.bus.publish(tx, ...(counted === 'waits' ? [] : [stageStarted(held(after), 'stage')]), entry);
    return held(after);
  }

  /** Lets it pass, as the requester may and says why, for somebody to look at afterwards. @throws NotFound, Conflict */
  async bypassIn(tx: Tx, id: string, by: Person, notes: string): Promise<ApprovalRequest> {
    const now = this.clock.now();
    await openRequest(tx, id, now);
    const outcome = { status: 'approved', byId: by.userId, by: by.username, notes, via: 'bypass' } as const;
    const request = await this.#settle(tx, id, outcome, now);
    await demandReview(tx, id, now);
    await this.bus.publish(tx, bypassed(request, 1), entryOf('approval.bypassed', request, {}));
    return request;
  }

  /** Takes the request back. Whether this person may is the caller's question. @throws NotFound, Conflict */
  async withdraw(id: string, by: Person): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      await openRequest(tx, id, now);
      return this.#settle(tx, id, cancelledBy(by), now);
    });
  }

  /** The same by somebody who may decide it: to whoever asked it is a no, so it takes whom, and how many, a no takes. @throws as `decide` */
  async withdrawAsDecider(id: string, by: Decider): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const now = this.clock.now();
      const { request } = await decidableRequest(tx, id, by, now);
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
    const entry = entryOf(`approval.${outcome.status}`, request, { via: outcome.via }, actor);
    await this.bus.publish(tx, ...(told ? [told] : []), entry);
    tx.afterCommit(() => this.#counter.inc({ decision: outcome.status }));
    return request;
  }
}

const cancelledBy = ({ userId: byId, username: by }: Person): Outcome => ({
  status: 'cancelled',
  byId,
  by,
  notes: null,
  via: 'api',
});
