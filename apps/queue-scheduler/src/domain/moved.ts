import { mayMove, type JobState } from '@lineclear/contracts';
import type { Job } from './job.js';

/** The job in another state, or undefined where that is no move. */
export function moved(job: Job, to: JobState, change: Partial<Job>): Job | undefined {
  return mayMove(job.state, to) ? { ...job, ...change, state: to, version: job.version + 1 } : undefined;
}

/** The job at its end. */
export const ended = (
  job: Job,
  to: 'completed' | 'failed' | 'cancelled',
  at: Date,
  change: Partial<Job>,
): Job | undefined => moved(job, to, { endedAt: at, leaseUntil: null, ...change });

export const later = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
