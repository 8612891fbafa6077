import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { AuditActor } from '@lineclear/contracts';
import {
  Clock,
  Conflict,
  Database,
  Metrics,
  NotAllowed,
  NotFound,
  type Queryable,
  type Tx,
} from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';
import { countRequests, findRequest, settleRequest, type Outcome } from './db/requests.repo.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { decide, stillOpen, type Decider, type Decision } from './domain/decide.js';
import { explainRefusal } from './domain/explain-refusal.js';
import { outcomeOf } from './events/outcome-of-request.js';

/** Where every decision ends, however it came in: judged, written by compare-and-set, told, in one transaction. */
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
   * `actor` is for the audit log, where the one who decides is not who calls this service.
   * @throws NotFound, NotAllowed (one's own, or the level is too low), Conflict (decided or expired already)
   */
  async decide(
    id: string,
    by: Decider,
    outcome: Omit<Outcome, 'byId' | 'by'>,
    actor?: AuditActor,
  ): Promise<ApprovalRequest> {
    return this.database.tx((tx) => this.decideIn(tx, id, by, outcome, actor));
  }

  /** The same, where more belongs to the transaction. */
  async decideIn(
    tx: Tx,
    id: string,
    by: Decider,
    outcome: Omit<Outcome, 'byId' | 'by'>,
    actor?: AuditActor,
  ): Promise<ApprovalRequest> {
    const request = await this.#find(tx, id);
    const now = this.clock.now();
    refuseUnless(decide(request, by, now), request, now);
    return this.#settle(tx, id, { ...outcome, byId: by.userId, by: by.username }, actor);
  }

  /** Takes the request back. Whether this person may is the caller's question. @throws NotFound, Conflict */
  async withdraw(id: string, by: Decider): Promise<ApprovalRequest> {
    return this.database.tx(async (tx) => {
      const request = await this.#find(tx, id);
      const now = this.clock.now();
      refuseUnless(stillOpen(request, now), request, now);
      const { userId: byId, username } = by;
      return this.#settle(tx, id, { status: 'cancelled', byId, by: username, notes: null, via: 'api' });
    });
  }

  /** Counts ends that came about elsewhere. */
  count(decision: 'expired', requests: number): void {
    this.#counter.inc({ decision }, requests);
  }

  async #settle(tx: Tx, id: string, outcome: Outcome, actor?: AuditActor): Promise<ApprovalRequest> {
    const now = this.clock.now();
    const request = await settleRequest(tx, id, outcome, now);
    if (!request) {
      // Someone else was first, or time ran out, since we looked.
      const found = await this.#find(tx, id);
      refuseUnless(stillOpen(found, now), found, now);
      throw new Conflict('the request changed at the same moment: look again');
    }
    const told = outcomeOf(request);
    const details = { job_id: request.jobId, requested_by: request.userId, via: outcome.via };
    const entry = audited(`approval.${outcome.status}`, {
      target: `approval/${id}`,
      details,
      ...(actor && { actor }),
    });
    await this.bus.publish(tx, ...(told ? [told] : []), entry);
    tx.afterCommit(() => this.#counter.inc({ decision: outcome.status }));
    return request;
  }

  async #find(db: Queryable, id: string): Promise<ApprovalRequest> {
    const request = await findRequest(db, id);
    if (!request) throw new NotFound('approval request', id);
    return request;
  }
}

function refuseUnless(decision: Decision, request: ApprovalRequest, now: Date): void {
  if (decision.granted) return;
  const why = explainRefusal(decision.why, request, now);
  switch (decision.why) {
    case 'already decided':
    case 'expired':
      throw new Conflict(why);
    case 'self-approval':
    case 'level too low':
      throw new NotAllowed(why);
  }
}
