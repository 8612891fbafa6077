import { randomBytes } from 'node:crypto';
import type { Principal, SecretEntry } from '@lineclear/contracts';
import { newEventId, type Outgoing } from '@lineclear/bus';
import type { NewJob } from '../db/jobs.repo.js';
import { bandOf, type Priority } from '../domain/band.js';
import type { Job } from '../domain/job.js';
import type { Dependency } from '../domain/dependency.js';
import type { RetryPolicy } from '../domain/retry.js';
import type { Scanned } from './leak-scan.js';
import { costOf } from '../domain/price.js';

/** What a caller asked for, checked and priced. */
export interface Wanted {
  readonly provider: string;
  readonly configName: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hardware: string;
  readonly costPerHourUsd: number;
  readonly gpus: number;
  readonly estimatedDurationSeconds: number;
  readonly maxRuntimeSeconds: number | null;
  readonly outputPath: string | null;
  readonly checkpointPath: string | null;
  readonly preemptible: boolean;
  readonly dependsOn: readonly Dependency[];
  readonly retry: RetryPolicy | null;
  readonly secrets: readonly SecretEntry[];
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: Priority;
  /** The id of the team that it is for. */
  readonly teamId: number | null;
}

/** A request that is to come in once, however often it is sent. */
export interface Keyed {
  readonly userId: number;
  readonly key: string;
  readonly requestSha256: string;
}

/** A submit on its way into the store. */
export interface Submission {
  readonly job: Omit<Job, 'facts'>;
  /** All teams of the submitter. */
  readonly teamIds: readonly number[];
  /** Why they pass an approval that it may need. */
  readonly bypass?: { readonly reason: string } | undefined;
  readonly key?: string | undefined;
  readonly requestSha256?: string | undefined;
  /** What the audit log is told if it is stored: made by its own request, as others share its transaction. */
  readonly entry: Outgoing;
}

/** A job that is stored with what was told of it. */
export type Entering = NewJob & Pick<Submission, 'entry'>;

/** What lets a job in no more before `until`: quotas, or the cost limit of its provider. */
export interface Refusal {
  readonly quotas: readonly string[];
  readonly costLimit?: string | undefined;
  readonly until: Date;
}

export type Outcome =
  | { readonly kind: 'accepted'; readonly job: Job; readonly warnings: readonly string[] }
  | ({ readonly kind: 'over_limit' } & Refusal)
  /** The same key and the same request as before. */
  | { readonly kind: 'repeated'; readonly job: Job }
  /** The key belongs to another request. */
  | { readonly kind: 'key_taken' }
  /** It holds values of secrets: in which fields, and which where the submitter may know. */
  | Extract<Scanned, { kind: 'leaks' }>
  /** Nobody could say whether it holds one, and then it is not to be taken. */
  | Extract<Scanned, { kind: 'not_scanned' }>;

/** A new job that has gone nowhere yet. Its id rises with time, so that lists and indexes grow at one end. */
export function newJob(
  wanted: Wanted,
  by: Principal,
  now: Date,
  traceparent: string | undefined,
): Omit<Job, 'facts'> {
  const { priority, ...asked } = wanted;
  const band = bandOf(by.level_priority, priority);
  return {
    id: `job_${newEventId(now.getTime()).replaceAll('-', '')}`,
    userId: by.user_id,
    orgId: by.org?.id ?? null,
    username: by.username,
    level: by.level,
    ownBand: band,
    band,
    onHold: false,
    estimatedCostUsd: costOf(wanted.costPerHourUsd, wanted.estimatedDurationSeconds),
    traceparent: traceparent ?? `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`,
    submittedAt: now,
    state: 'awaiting_evaluation',
    version: 1,
    approval: null,
    approvedSecrets: [],
    approvedBy: null,
    heldAt: null,
    queuedAt: null,
    attempt: 0,
    attempts: [],
    arrayId: null,
    arrayIndex: null,
    parameters: null,
    unmet: wanted.dependsOn.length,
    notBefore: null,
    claimId: null,
    claimedAt: null,
    leaseUntil: null,
    startedAt: null,
    cancelRequestedAt: null,
    cancelledBy: null,
    stoppedFor: null,
    endedAt: null,
    endReason: null,
    message: null,
    externalId: null,
    progress: null,
    costUsd: null,
    // Last: V8 takes hundreds of times longer over many properties that follow a spread.
    ...asked,
  };
}
