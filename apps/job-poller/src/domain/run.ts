import type {
  EventData,
  FailureCause,
  jobClaimed,
  RunOutcome,
  secretLeakDetected,
  SecretUse,
} from '@lineclear/contracts';

/**
 * `intended`: nobody was called. `submitting`: the provider may have been called, its answer is not known. `active`: it
 * accepted. `cancelling`: accepted, and to be stopped. `ended`: final.
 */
export const RUN_STATES = ['intended', 'submitting', 'active', 'cancelling', 'ended'] as const;
export type RunState = (typeof RUN_STATES)[number];

export type StopReason = 'asked' | 'max_runtime';

/** What a run last said about itself. */
export interface Progress {
  readonly stage?: string;
  readonly step?: number;
  readonly epoch?: number;
  /** 0 to 1. */
  readonly progress?: number;
  readonly metrics?: Readonly<Record<string, number>>;
}

/** A secret that was written where it must not be, and how. */
export type Hit = Pick<EventData<typeof secretLeakDetected>, 'name' | 'form'>;

/** A secret of the run, or of its provider, that it wrote where it must not be. */
export interface Leak extends Hit {
  readonly where: 'log' | 'message';
}

/** One attempt of a job on a provider. */
export interface Run {
  readonly id: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly claimId: string;
  readonly userId: number;
  readonly orgId: number | null;
  readonly teamId: number | null;
  readonly provider: string;
  /** Only there while it may have to be submitted. */
  readonly config: Readonly<Record<string, unknown>> | null;
  readonly hardware: string;
  readonly secrets: readonly string[];
  /** How it gets them; null for each in the variable of its name. */
  readonly secretUses: readonly SecretUse[] | null;
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  readonly checkpointPath: string | null;
  /** Goes onto the remote object, so that it can be found by it. */
  readonly runKey: string;
  readonly traceparent: string | null;
  readonly createdAt: Date;

  readonly state: RunState;
  readonly externalId: string | null;
  /** Which of its provider's accounts it is on, once that has accepted it. Runs of one account are in one list. */
  readonly account: string | null;
  readonly remoteState: RemoteState | null;
  readonly outcome: RunOutcome | null;
  /** Why it failed, where the provider said so. */
  readonly cause: FailureCause | null;
  readonly exitCode: number | null;
  readonly message: string | null;
  readonly costUsd: number | null;
  readonly progress: Progress | null;
  /** What `run.observed` last told, and when. */
  readonly published: Published | null;
  /** Steps in a row that did not get what they wanted. */
  readonly failures: number;
  /**
   * Looks in a row that did not find the run at the provider, and when the first of them was; of one that is not accepted yet,
   * submits that were told that it exists.
   */
  readonly missingCount: number;
  readonly missingSince: Date | null;
  readonly submitStartedAt: Date | null;
  /** When its provider accepted it; once it does not wait there any more, when it was last seen to wait: what it costs counts from there. */
  readonly startedAt: Date | null;
  /** When it was first seen to run, as opposed to waiting at the provider. */
  readonly runningSince: Date | null;
  /** When it was last seen or heard of, by itself or in its account's list. */
  readonly lastObservedAt: Date | null;
  /** When its provider was last asked about it alone. */
  readonly lookedAt: Date | null;
  /** When its account's list last showed it as it is known; null once the list shows it otherwise, or not at all. */
  readonly listedAt: Date | null;
  readonly endedAt: Date | null;
  readonly stopReason: StopReason | null;
  readonly stopRequestedAt: Date | null;
  readonly cancelSentAt: Date | null;
  readonly logCursor: string | null;
  readonly logSeq: number;
  readonly logBytes: number;
  readonly logTruncated: boolean;
  readonly logCheckedAt: Date | null;
  /** Which secrets it leaked, each once, in the order in which that was told. Null for none. */
  readonly leaked: readonly Leak[] | null;
  /** Whose turn it is: a step's result counts only while this is still its number. */
  readonly leaseToken: number;
  readonly version: number;
}

/** What the provider calls it. */
export function idOf({ externalId, runKey, state }: Pick<Run, 'externalId' | 'runKey' | 'state'>): string {
  if (externalId === null) throw new Error(`run ${runKey} is ${state} without an external id`);
  return externalId;
}

/** A run as a step received it. `fresh`: its intent was written just now, so that nothing can have been called before. */
export interface ClaimedRun extends Run {
  readonly fresh: boolean;
  /** How old the intent was then, by the database's clock: this process's own may be ahead of the one that wrote it. */
  readonly submitAgeMs: number | null;
}

export interface Published extends Progress {
  readonly atMs: number;
  readonly remoteState: RemoteState;
}

/** A provider's words for a run's state, put into ours. */
export const REMOTE_STATES = [
  'submitted',
  'starting',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'lost',
] as const;
export type RemoteState = (typeof REMOTE_STATES)[number];

/** The name of the remote object: one for each attempt, and nothing else has it. */
export const runKeyOf = (jobId: string, attempt: number): string =>
  `lc-${jobId.replace(/^job_/, '')}-a${attempt}`;
export const isRunKey = (name: string): boolean => /^lc-[\w-]+-a\d+$/.test(name);

export type Claim = EventData<typeof jobClaimed>;

/** The run of a claim whose intent is written with it, and whose first step is the writer's. */
export function intendedRun(
  claim: Claim,
  { id, traceparent, at }: { id: string; traceparent: string | null; at: Date },
): ClaimedRun {
  return {
    id,
    jobId: claim.job_id,
    attempt: claim.attempt,
    claimId: claim.claim_id,
    userId: claim.user_id,
    orgId: claim.org_id ?? null,
    teamId: claim.team_id ?? null,
    provider: claim.provider,
    config: claim.config,
    hardware: claim.hardware,
    secrets: claim.secrets,
    secretUses: claim.secret_uses ?? null,
    maxRuntimeSeconds: claim.max_runtime_seconds ?? null,
    outputPath: claim.output_path ?? null,
    checkpointPath: claim.checkpoint_path ?? null,
    runKey: runKeyOf(claim.job_id, claim.attempt),
    traceparent,
    createdAt: at,
    state: 'submitting',
    fresh: true,
    submitAgeMs: 0,
    externalId: null,
    account: null,
    remoteState: null,
    outcome: null,
    cause: null,
    exitCode: null,
    message: null,
    costUsd: null,
    progress: null,
    published: null,
    failures: 0,
    missingCount: 0,
    missingSince: null,
    submitStartedAt: at,
    startedAt: null,
    runningSince: null,
    lastObservedAt: null,
    lookedAt: null,
    listedAt: null,
    endedAt: null,
    stopReason: null,
    stopRequestedAt: null,
    cancelSentAt: null,
    logCursor: null,
    logSeq: 0,
    logBytes: 0,
    logTruncated: false,
    logCheckedAt: null,
    leaked: null,
    leaseToken: 1,
    version: 0,
  };
}
