import { event, type Outgoing } from '@lineclear/bus';
import {
  jobAttemptFailed,
  jobCancelled,
  jobCancelRequested,
  jobClaimed,
  jobCompleted,
  jobFailed,
  jobQueued,
  jobStarted,
  jobSubmitted,
  namesOfSecrets,
  quotaExceeded,
  quotaWarning,
  secretUseOf,
  type EventData,
} from '@lineclear/contracts';
import type { Job } from '../domain/job.js';
import type { Finding } from '../domain/quotas.js';

const rest = (job: Job) => ({
  about: `job/${job.id}`,
  version: job.version,
  ...(job.traceparent === null ? {} : { traceparent: job.traceparent }),
});

const about = (job: Job) => ({
  job_id: job.id,
  user_id: job.userId,
  ...(job.orgId === null ? {} : { org_id: job.orgId }),
  ...(job.teamId === null ? {} : { team_id: job.teamId }),
  username: job.username,
  provider: job.provider,
  config_name: job.configName,
});

const ending = (job: Job) => ({
  ...about(job),
  attempt: job.attempt,
  cost_usd: job.costUsd ?? 0,
  ...(job.startedAt === null ? {} : { started_at: job.startedAt.toISOString() }),
  ended_at: (job.endedAt ?? job.submittedAt).toISOString(),
  ...(job.secrets.length === 0 ? {} : { uses_secrets: true as const }),
});
const why = (job: Job, otherwise: 'run_failed' | 'cancelled_by_user') => ({
  ...ending(job),
  reason: job.endReason ?? otherwise,
  ...(job.message === null ? {} : { message: job.message }),
});

const running = (job: Job): { attempt: number; claim_id: string } => {
  if (job.claimId === null) throw new Error(`${job.id} is ${job.state} but has no claim`);
  return { attempt: job.attempt, claim_id: job.claimId };
};

const claimed = (job: Job): EventData<typeof jobClaimed> => ({
  ...about(job),
  ...running(job),
  level: job.level,
  hardware: job.hardware,
  config: job.config as EventData<typeof jobClaimed>['config'],
  ...(job.maxRuntimeSeconds === null ? {} : { max_runtime_seconds: job.maxRuntimeSeconds }),
  ...(job.outputPath === null ? {} : { output_path: job.outputPath }),
  ...(job.checkpointPath === null ? {} : { checkpoint_path: job.checkpointPath }),
  secrets: namesOfSecrets(job.secrets),
  ...(job.secrets.some((entry) => typeof entry !== 'string')
    ? { secret_uses: job.secrets.map(secretUseOf) }
    : {}),
  ...(job.approvedSecrets.length === 0 ? {} : { approved_secrets: [...job.approvedSecrets] }),
});

/** Tells that a job was stored, or reminds approvals of one that it has not answered for. */
export const submittedEvent = (job: Job): Outgoing =>
  event(
    jobSubmitted,
    {
      ...about(job),
      hardware: job.hardware,
      estimated_cost_usd: job.estimatedCostUsd,
      status: job.state,
      facts: job.facts,
      ...(job.approval === null ? {} : { approval: job.approval }),
    },
    rest(job),
  );

/** Tells that with this job most of a quota is used, or that it goes (or would have gone) beyond it. */
export const quotaEvent = (job: Job, { quota, used, isBeyond }: Finding, refused: boolean): Outgoing =>
  isBeyond
    ? event(quotaExceeded, { ...about(job), quota, used, refused }, rest(job))
    : event(quotaWarning, { ...about(job), quota, used }, rest(job));

/** Tells that the attempt that is over is not to be the last one. */
export function attemptFailedEvent(job: Job): Outgoing {
  const over = job.attempts.at(-1);
  if (!over) throw new Error(`${job.id} has no attempt that is over`);
  const { attempt, outcome, cause, message, cost_usd, started_at, ended_at } = over;
  return event(
    jobAttemptFailed,
    {
      ...about(job),
      attempt,
      outcome,
      cost_usd,
      ...(cause === null ? {} : { cause }),
      ...(message === null ? {} : { message }),
      ...(started_at === null ? {} : { started_at }),
      ended_at,
      ...(job.secrets.length === 0 ? {} : { uses_secrets: true as const }),
      retry_at: (job.notBefore ?? job.queuedAt ?? job.submittedAt).toISOString(),
      hardware: job.hardware,
    },
    rest(job),
  );
}

/** What the state a job has just entered says to the rest of the house. */
export function stateEvent(job: Job): Outgoing | undefined {
  switch (job.state) {
    case 'awaiting_evaluation':
    case 'pending_approval':
      return undefined;
    case 'queued':
      return event(jobQueued, about(job), rest(job));
    case 'dispatching':
      return event(jobClaimed, claimed(job), rest(job));
    case 'running':
      return event(
        jobStarted,
        { ...about(job), attempt: job.attempt, started_at: (job.startedAt ?? job.submittedAt).toISOString() },
        rest(job),
      );
    case 'cancelling':
      return event(jobCancelRequested, { job_id: job.id, ...running(job) }, rest(job));
    case 'completed':
      return event(jobCompleted, ending(job), rest(job));
    case 'failed':
      return event(jobFailed, why(job, 'run_failed'), rest(job));
    case 'cancelled':
      return event(
        jobCancelled,
        { ...why(job, 'cancelled_by_user'), ...(job.cancelledBy && { cancelled_by: job.cancelledBy }) },
        rest(job),
      );
  }
}

/** Asks again whoever should have answered for this job by now; the same attempt, never a new one. */
export function reminder(job: Job): Outgoing | undefined {
  switch (job.state) {
    case 'awaiting_evaluation':
    case 'pending_approval':
      return submittedEvent(job);
    case 'dispatching':
    case 'running':
      return event(jobClaimed, claimed(job), rest(job));
    case 'cancelling':
      return stateEvent(job);
    case 'queued':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return undefined;
  }
}
