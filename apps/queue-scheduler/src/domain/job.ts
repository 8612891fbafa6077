import type {
  ApprovalNeed,
  EndReason,
  FailureCause,
  JobFacts,
  JobState,
  Level,
  RunOutcome,
  SecretDemand,
  SecretEntry,
} from '@lineclear/contracts';
import type { Point } from './array.js';
import type { Dependency } from './dependency.js';
import type { RetryPolicy } from './retry.js';

/** What a run last told of itself. */
export interface Progress {
  readonly remote_state: string;
  readonly stage?: string | undefined;
  readonly step?: number | undefined;
  readonly epoch?: number | undefined;
  readonly progress?: number | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  readonly observed_at: string;
}

/** Who wanted a job no more. */
export interface Canceller {
  readonly user_id: number;
  readonly username: string;
}

/** Who said yes to a job that was held. */
export interface Approver {
  readonly user_id: number;
  readonly username: string;
}

/** An attempt that is over. */
export interface Attempt {
  readonly attempt: number;
  readonly hardware: string;
  readonly gpus: number;
  readonly outcome: RunOutcome;
  readonly cause: FailureCause | null;
  readonly message: string | null;
  /** It was stopped for another job, which counts against no policy. */
  readonly is_preempted: boolean;
  readonly queued_at: string;
  readonly claimed_at: string;
  readonly started_at: string | null;
  readonly ended_at: string;
  readonly cost_usd: number;
}

/** One training job: what was asked for, which never changes, and how far it has come. */
export interface Job {
  readonly id: string;
  readonly userId: number;
  /** The team and the organisation that it counts under; null for none. */
  readonly teamId: number | null;
  readonly orgId: number | null;
  readonly username: string;
  readonly level: Level;
  /** The band that it was submitted with. */
  readonly ownBand: number;
  readonly provider: string;
  readonly configName: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly estimatedDurationSeconds: number;
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  /** Where its runs keep checkpoints: an attempt that is not the first goes on from there. */
  readonly checkpointPath: string | null;
  /** The array that it is a task of, its place there, and its values; null for a job by itself. */
  readonly arrayId: string | null;
  readonly arrayIndex: number | null;
  readonly parameters: Point | null;
  /** A run of it may be stopped for a job of a higher band, and is tried again. */
  readonly preemptible: boolean;
  /** Jobs that must have ended before it may go. */
  readonly dependsOn: readonly Dependency[];
  /** null for a single attempt. */
  readonly retry: RetryPolicy | null;
  /** Names, and how the job gets them where that is not in the variable of the name. */
  readonly secrets: readonly SecretEntry[];
  readonly labels: Readonly<Record<string, string>>;
  readonly facts: JobFacts;
  /** The trace of the submit; everything that happens to the job later belongs to it. */
  readonly traceparent: string | null;
  readonly submittedAt: Date;

  /** Of this attempt, or the next: after one that ran out of memory it may be another. */
  readonly hardware: string;
  readonly costPerHourUsd: number;
  /** How many GPUs the hardware has. */
  readonly gpus: number;
  /** Of one attempt. */
  readonly estimatedCostUsd: number;
  /** The higher goes first; its own, unless an administrator said otherwise. */
  readonly band: number;
  /** Its owner keeps it from going. */
  readonly onHold: boolean;
  readonly state: JobState;
  readonly version: number;
  readonly approval: ApprovalNeed | null;
  /** Secrets that somebody said yes to with the job: of those that took an approval when it was submitted. */
  readonly approvedSecrets: readonly Pick<SecretDemand, 'name' | 'scope'>[];
  readonly approvedBy: Approver | null;
  readonly heldAt: Date | null;
  readonly queuedAt: Date | null;
  readonly attempt: number;
  /** Those that are over, in their order. */
  readonly attempts: readonly Attempt[];
  /** How many of those that it follows have not ended. */
  readonly unmet: number;
  /** Until then it keeps away from the queue, as the attempt before failed. */
  readonly notBefore: Date | null;
  /** Whoever acts for the running attempt must show it. */
  readonly claimId: string | null;
  readonly claimedAt: Date | null;
  /** When nothing was heard until then, the other side is asked again. */
  readonly leaseUntil: Date | null;
  readonly startedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelledBy: Canceller | null;
  /** It is being stopped to go back into the queue, and why; null for one that is to end. */
  readonly stoppedFor: string | null;
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
  readonly message: string | null;
  readonly externalId: string | null;
  readonly progress: Progress | null;
  /** What all attempts cost together, once there is no further one. */
  readonly costUsd: number | null;
}

/** Whether a job is in the queue, to be let in when it is its turn. */
export const isInLine = ({
  state,
  onHold,
  unmet,
  notBefore,
}: Pick<Job, 'state' | 'onHold' | 'unmet' | 'notBefore'>): boolean =>
  state === 'queued' && !onHold && unmet === 0 && notBefore === null;

/** What attempts that are over cost. */
export const spentOn = ({ attempts }: Pick<Job, 'attempts'>): number =>
  attempts.reduce((sum, { cost_usd }) => sum + cost_usd, 0);

/** How long its run took. */
export const secondsOf = ({ started_at, ended_at }: Attempt): number =>
  started_at === null ? 0 : Math.max(0, (Date.parse(ended_at) - Date.parse(started_at)) / 1_000);

/** While a job is in one of these states it counts against every ceiling. */
export const holdsSlot = (state: JobState): boolean =>
  state === 'dispatching' || state === 'running' || state === 'cancelling';
