import type { Level } from '@lineclear/contracts';

export const REQUEST_STATUSES = ['pending', 'approved', 'rejected', 'expired', 'cancelled'] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** How a decision reached us. */
export type Via = 'api' | 'email' | 'slack' | 'link';

/** Someone has to say yes before this job may run. The rule's name and level are those of the moment it was asked. */
export interface ApprovalRequest {
  readonly id: string;
  readonly jobId: string;
  readonly userId: number;
  readonly orgId: number | null;
  readonly username: string;
  readonly provider: string;
  readonly configName: string;
  readonly hardware: string;
  readonly estimatedCostUsd: number;
  readonly ruleId: number;
  readonly ruleName: string;
  readonly reason: string;
  readonly requiredLevel: Level;
  /** To be reached as well. */
  readonly alsoLevels: readonly Level[];
  readonly status: RequestStatus;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly reviewedBy: string | null;
  readonly reviewedById: number | null;
  readonly reviewedAt: Date | null;
  readonly reviewNotes: string | null;
  readonly decidedVia: Via | null;
  /** The trace of the job, to be gone on with by whatever happens to the request later. */
  readonly traceparent: string | null;
}

/** Past its time a request is expired, whether or not the sweep has written that down yet. */
export const statusAt = (request: Pick<ApprovalRequest, 'status' | 'expiresAt'>, now: Date): RequestStatus =>
  request.status === 'pending' && request.expiresAt <= now ? 'expired' : request.status;
