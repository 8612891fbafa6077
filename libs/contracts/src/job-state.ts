/** The states of a job; the last three are final. */
export const JOB_STATES = [
  'awaiting_evaluation',
  'pending_approval',
  'queued',
  'dispatching',
  'running',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const FINAL_STATES = ['completed', 'failed', 'cancelled'] as const satisfies readonly JobState[];

/** Why a job ended in `failed` or `cancelled`. */
export const END_REASONS = [
  'cancelled_by_user',
  'approval_rejected',
  'approval_expired',
  'approval_cancelled',
  'run_failed',
  'run_timed_out',
  'run_lost',
  'dispatch_refused',
  'dependency_failed',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Which state may follow which. Everything that changes a job's state goes through this table. */
export const JOB_MOVES: Readonly<Record<JobState, readonly JobState[]>> = {
  awaiting_evaluation: ['pending_approval', 'queued', 'cancelled'],
  pending_approval: ['queued', 'cancelled'],
  queued: ['dispatching', 'cancelled'],
  // A run can end before anyone saw it run, and be tried again.
  dispatching: ['running', 'queued', 'cancelling', 'completed', 'failed', 'cancelled'],
  running: ['queued', 'cancelling', 'completed', 'failed', 'cancelled'],
  // A run that finished before the cancel reached it keeps its real outcome; one that is stopped for another job comes back.
  cancelling: ['queued', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

export const isFinal = (state: JobState): state is (typeof FINAL_STATES)[number] =>
  JOB_MOVES[state].length === 0;
export const mayMove = (from: JobState, to: JobState): boolean => JOB_MOVES[from].includes(to);
