import { Controller } from '@nestjs/common';
import { OnEvents } from '@lineclear/bus';
import {
  approvalCancelled,
  approvalExpired,
  approvalGranted,
  approvalNeed,
  approvalRejected,
  approvalRequired,
  approvalStageStarted,
  approvalWaived,
  type ApprovalNeed,
  type EventOf,
} from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import { Moves } from '../line/moves.js';

/** What approvals says lets a waiting job into the queue, or ends it. */
@Controller()
export class FollowApprovals {
  constructor(private readonly moves: Moves) {}

  @OnEvents(approvalRequired)
  async hold(events: EventOf<typeof approvalRequired>[], tx: Tx): Promise<void> {
    await this.#need(events, tx);
  }

  /** Others decide from now on, and perhaps until later. */
  @OnEvents(approvalStageStarted)
  async holdOn(events: EventOf<typeof approvalStageStarted>[], tx: Tx): Promise<void> {
    await this.#need(events, tx);
  }

  async #need(
    events: readonly { readonly data: ApprovalNeed & { readonly job_id: string } }[],
    tx: Tx,
  ): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => {
        const need = approvalNeed.parse(data);
        return { jobId: data.job_id, fact: { kind: 'held', need } };
      }),
    );
  }

  @OnEvents(approvalWaived)
  async passUnheld(events: EventOf<typeof approvalWaived>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({ jobId: data.job_id, fact: { kind: 'waived' } })),
    );
  }

  @OnEvents(approvalGranted)
  async passGranted(events: EventOf<typeof approvalGranted>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'granted',
          approvalId: data.approval_id,
          by: { user_id: data.by_user_id, username: data.by },
        },
      })),
    );
  }

  @OnEvents(approvalRejected)
  async endRejected(events: EventOf<typeof approvalRejected>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'refused',
          approvalId: data.approval_id,
          reason: 'approval_rejected',
          message: `rejected by ${data.by}: ${data.reason}`.slice(0, 2_000),
        },
      })),
    );
  }

  @OnEvents(approvalExpired)
  async endExpired(events: EventOf<typeof approvalExpired>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'refused',
          approvalId: data.approval_id,
          reason: 'approval_expired',
          message: 'nobody decided in time',
        },
      })),
    );
  }

  @OnEvents(approvalCancelled)
  async endWithdrawn(events: EventOf<typeof approvalCancelled>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'refused',
          approvalId: data.approval_id,
          reason: 'approval_cancelled',
          message: `the request was withdrawn by ${data.by}`,
          by: { user_id: data.by_user_id, username: data.by },
        },
      })),
    );
  }
}
