import { Controller, Inject } from '@nestjs/common';
import { Bus, event, OnEvents, type Outgoing } from '@lineclear/bus';
import { jobClaimed, runEnded, runStarted, type EventOf } from '@lineclear/contracts';
import { LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { RunsRepo } from '../db/runs.repo.js';
import { endedData, startedData } from '../domain/announce.js';
import { intendedRun, type ClaimedRun } from '../domain/run.js';
import { StepRunner } from '../jobs/step-runner.js';

/** A claim is the permission to spend money: its intent is written here, and acted on once that is committed. */
@Controller()
export class StartClaimedRuns {
  constructor(
    private readonly runs: RunsRepo,
    private readonly runner: StepRunner,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvents(jobClaimed)
  async start(events: EventOf<typeof jobClaimed>[], tx: Tx): Promise<void> {
    const lease = this.runner.reserve(events.map(({ data }) => data.provider));
    const added = await this.runs.insertNew(
      tx,
      events.map(({ data, traceparent }) => ({ data, traceparent })),
      lease,
    );
    const fresh = new Map(added.map((run) => [`${run.jobId} ${run.attempt}`, run]));
    const begun: ClaimedRun[] = [];
    for (const { data, traceparent = null } of events) {
      const name = `${data.job_id} ${data.attempt}`;
      const run = fresh.get(name);
      if (run) begun.push(intendedRun(data, { id: run.id, traceparent, at: run.createdAt }));
      else await this.#again(data, tx);
      // The same claim a second time in this batch is a repetition.
      fresh.delete(name);
    }
    if (lease) tx.afterCommit(() => this.runner.begin(begun, lease));
    else if (added.length > 0) tx.afterCommit(() => this.runner.wake());
  }

  /** The scheduler heard nothing for a while and repeats itself: it is told how the run stands. Nothing is started. */
  async #again(claim: EventOf<typeof jobClaimed>['data'], tx: Tx): Promise<void> {
    const run = await this.runs.find(tx, claim.job_id, claim.attempt);
    if (!run) return;
    if (run.claimId !== claim.claim_id) {
      this.log.error(
        { job_id: claim.job_id, attempt: claim.attempt, claim_id: claim.claim_id },
        'a second claim for an attempt that has its run was left alone',
      );
      return;
    }
    const rest = {
      about: `job/${run.jobId}`,
      version: run.version,
      traceparent: run.traceparent ?? undefined,
    };
    const started = startedData(run);
    const ended = endedData(run);
    const known: Outgoing[] = [
      ...(started ? [event(runStarted, started, rest)] : []),
      ...(ended ? [event(runEnded, ended, rest)] : []),
    ];
    await this.bus.publish(tx, ...known);
  }
}
