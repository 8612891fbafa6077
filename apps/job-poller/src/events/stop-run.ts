import { Controller, Inject } from '@nestjs/common';
import { Bus, event, NotYet, OnEvent } from '@lineclear/bus';
import { jobCancelRequested, runEnded, type EventOf } from '@lineclear/contracts';
import { LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { RunsRepo } from '../db/runs.repo.js';
import { endedData } from '../domain/announce.js';
import { StepRunner } from '../jobs/step-runner.js';

/** Someone wants a run to stop. One that no provider was called for ends at once; any other is stopped by its next step. */
@Controller()
export class StopRun {
  constructor(
    private readonly runs: RunsRepo,
    private readonly runner: StepRunner,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(jobCancelRequested)
  async stop({ data }: EventOf<typeof jobCancelRequested>, tx: Tx): Promise<void> {
    const run = await this.runs.lock(tx, data.job_id, data.attempt);
    if (!run) throw new NotYet(`the claim of ${data.job_id}, attempt ${data.attempt}, has not arrived`);
    if (run.claimId !== data.claim_id) {
      this.log.warn(
        { job_id: data.job_id, claim_id: data.claim_id },
        'a cancel for another claim was left alone',
      );
      return;
    }
    const over = await this.runs.endIntended(tx, run.id, 'cancelled before the provider was called');
    const ended = over && endedData(over);
    if (ended) {
      await this.bus.publish(
        tx,
        event(runEnded, ended, {
          about: `job/${over.jobId}`,
          version: over.version,
          traceparent: over.traceparent ?? undefined,
        }),
      );
      return;
    }
    await this.runs.requestStop(tx, run.id);
    tx.afterCommit(() => this.runner.wake());
  }
}
