import { Controller } from '@nestjs/common';
import { OnEvents } from '@lineclear/bus';
import { runEnded, runObserved, runStarted, type EventOf } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import { Moves } from '../line/moves.js';

const ofRun = (data: { claim_id: string; attempt: number }) => ({
  claimId: data.claim_id,
  attempt: data.attempt,
});

/** What the job-poller sees of a run moves its job on, if it is the run of the job's present claim. */
@Controller()
export class FollowRuns {
  constructor(private readonly moves: Moves) {}

  @OnEvents(runStarted)
  async start(events: EventOf<typeof runStarted>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'run_started',
          ...ofRun(data),
          externalId: data.external_id,
          startedAt: new Date(data.started_at),
        },
      })),
    );
  }

  @OnEvents(runObserved)
  async observe(events: EventOf<typeof runObserved>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => {
        const { remote_state, stage, step, epoch, progress, metrics, observed_at } = data;
        const seen = { remote_state, stage, step, epoch, progress, metrics, observed_at };
        return { jobId: data.job_id, fact: { kind: 'run_observed', ...ofRun(data), progress: seen } };
      }),
    );
  }

  @OnEvents(runEnded)
  async end(events: EventOf<typeof runEnded>[], tx: Tx): Promise<void> {
    await this.moves.apply(
      tx,
      events.map(({ data }) => ({
        jobId: data.job_id,
        fact: {
          kind: 'run_ended',
          ...ofRun(data),
          outcome: data.outcome,
          cause: data.cause,
          message: data.message,
          startedAt: data.started_at === undefined ? undefined : new Date(data.started_at),
          endedAt: new Date(data.ended_at),
          costUsd: data.cost_usd,
        },
      })),
    );
  }
}
