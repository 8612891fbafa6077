import type {
  ApprovalNeed,
  EndReason,
  JobFacts,
  JobState,
  Level,
  SecretDemand,
  SecretEntry,
} from '@lineclear/contracts';

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
  readonly hardware: string;
  readonly costPerHourUsd: number;
  /** How many GPUs the hardware has. */
  readonly gpus: number;
  readonly estimatedDurationSeconds: number;
  readonly estimatedCostUsd: number;
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  /** Names, and how the job gets them where that is not in the variable of the name. */
  readonly secrets: readonly SecretEntry[];
  readonly labels: Readonly<Record<string, string>>;
  readonly facts: JobFacts;
  /** The trace of the submit; everything that happens to the job later belongs to it. */
  readonly traceparent: string | null;
  readonly submittedAt: Date;

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
  /** Whoever acts for the running attempt must show it. */
  readonly claimId: string | null;
  readonly claimedAt: Date | null;
  /** When nothing was heard until then, the other side is asked again. */
  readonly leaseUntil: Date | null;
  readonly startedAt: Date | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelledBy: Canceller | null;
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
  readonly message: string | null;
  readonly externalId: string | null;
  readonly progress: Progress | null;
  readonly costUsd: number | null;
}

/** Whether a job is in the queue, to be let in when it is its turn. */
export const isInLine = ({ state, onHold }: Pick<Job, 'state' | 'onHold'>): boolean =>
  state === 'queued' && !onHold;

/** While a job is in one of these states it counts against every ceiling. */
export const holdsSlot = (state: JobState): boolean =>
  state === 'dispatching' || state === 'running' || state === 'cancelling';
