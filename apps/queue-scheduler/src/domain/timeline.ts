import type { JobState } from '@lineclear/contracts';
import type { Job } from './job.js';

export interface Step {
  readonly status: JobState | 'submitted';
  readonly at: Date;
  /** Since the step before. */
  readonly afterSeconds: number;
}

/** The way a job has come, from the times that its row keeps. */
export function timeline(job: Job): Step[] {
  const times: [Step['status'], Date | null][] = [
    ['submitted', job.submittedAt],
    ['pending_approval', job.heldAt],
    ['queued', job.queuedAt],
    ['dispatching', job.claimedAt],
    ['running', job.startedAt],
    ['cancelling', job.claimedAt === null ? null : job.cancelRequestedAt],
    [job.state, job.endedAt],
  ];
  // The provider's clock says when a run started and ended; a step is never shown before the one that led to it.
  let previous = job.submittedAt.getTime();
  return times.flatMap(([status, time]) => {
    if (time === null) return [];
    const at = Math.max(time.getTime(), previous);
    const afterSeconds = (at - previous) / 1_000;
    previous = at;
    return [{ status, at: new Date(at), afterSeconds }];
  });
}
