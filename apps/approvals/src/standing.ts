import { Injectable } from '@nestjs/common';
import type { JobFacts } from '@lineclear/contracts';
import { Clock, type Queryable, type Tx } from '@lineclear/kit';
import { Approvers, rightsOf } from './approvers.js';
import { spendStanding, standingNow } from './db/standing-approvals.repo.js';
import { Decisions } from './decisions.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import { decide, type Decider } from './domain/decide.js';
import { speaksFor, type StandingApproval } from './domain/standing-approval.js';
import { mayDecide } from './http/deciders.js';

/** A standing approval that speaks for a job, with whose it is. */
export interface Speaking {
  readonly standing: StandingApproval;
  /** Who granted it, as they are now. */
  readonly by: Decider;
  readonly mayDecide: (request: ApprovalRequest) => boolean;
}

/** What was said in advance: it counts as the word of whoever said it, as far as they may decide now. */
@Injectable()
export class Standing {
  constructor(
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
  ) {}

  /** What speaks for each of these jobs, by its id, in the order in which it was granted. @throws Unavailable while auth does not answer */
  async speakingFor(
    db: Queryable,
    jobs: readonly JobFacts[],
  ): Promise<ReadonlyMap<string, readonly Speaking[]>> {
    const now = this.clock.now();
    const all = jobs.length === 0 ? [] : await standingNow(db, now);
    const byJob = jobs.map((job) => [job.job_id, all.filter((one) => speaksFor(one, job, now))] as const);
    const granters = new Map<number, Omit<Speaking, 'standing'>>();
    for (const id of new Set(byJob.flatMap(([, found]) => found.map(({ grantedById }) => grantedById)))) {
      const known = await this.approvers.known(id);
      if (!known) continue;
      const by = { ...rightsOf(known), inPlaceOf: [], isFallback: false };
      granters.set(id, { by, mayDecide: (request) => mayDecide(known, request) });
    }
    return new Map(
      byJob.map(([jobId, found]) => [
        jobId,
        found.flatMap((standing) => {
          const granter = granters.get(standing.grantedById);
          return granter ? [{ standing, ...granter }] : [];
        }),
      ]),
    );
  }

  /** Counts these for a request that was just opened, until it is decided; as it is then. */
  async countFor(tx: Tx, request: ApprovalRequest, speaking: readonly Speaking[]): Promise<ApprovalRequest> {
    let after = request;
    const voted: number[] = [];
    for (const { standing, by, mayDecide: may } of speaking) {
      const now = this.clock.now();
      if (after.status !== 'pending' || !may(after) || !decide(after, by, voted, now).granted) continue;
      if (!(await spendStanding(tx, standing.id, request.estimatedCostUsd, now))) continue;
      const notes = `standing approval ${standing.id}: ${standing.reason}`;
      const actor = { user_id: by.userId, username: by.username, via: 'standing' } as const;
      after = await this.decisions.decideIn(
        tx,
        request.id,
        by,
        { status: 'approved', notes, via: 'standing' },
        actor,
      );
      voted.push(by.userId);
    }
    return after;
  }
}
