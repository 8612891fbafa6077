import { Controller } from '@nestjs/common';
import { jobCancelled, type EventOf } from '@lineclear/contracts';
import { newEventId, OnEvents } from '@lineclear/bus';
import { Clock, type Tx } from '@lineclear/kit';
import { closeForCancelledJobs } from '../db/requests.repo.js';

/** A cancelled job needs no decision any more. Nothing is said back: the canceller knows. */
@Controller()
export class CloseRequestsOfCancelledJobs {
  constructor(private readonly clock: Clock) {}

  @OnEvents(jobCancelled)
  async close(events: EventOf<typeof jobCancelled>[], tx: Tx): Promise<void> {
    const jobs = new Map(events.map(({ data }) => [data.job_id, data]));
    await closeForCancelledJobs(
      tx,
      [...jobs.values()].map((job) => ({
        id: job.job_id,
        // Only used when the request has not come yet.
        markId: newEventId(),
        userId: job.user_id,
        username: job.username,
        provider: job.provider,
        configName: job.config_name,
      })),
      this.clock.now(),
    );
  }
}
