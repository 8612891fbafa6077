import type { ApprovalStage, Level } from '@lineclear/contracts';

export const REQUEST_STATUSES = ['pending', 'approved', 'rejected', 'expired', 'cancelled'] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** How a decision reached us. */
export const VIAS = ['api', 'email', 'slack', 'link', 'standing', 'bypass'] as const;
export type Via = (typeof VIAS)[number];

export const BYPASS_REVIEWS = ['due', 'accepted', 'objected'] as const;
export type BypassReview = (typeof BYPASS_REVIEWS)[number];

/** Someone has to say yes before this job may run. The rule's name and level are those of the moment it was asked. */
export interface ApprovalRequest {
  readonly id: string;
  readonly jobId: string;
  readonly userId: number;
  readonly orgId: number | null;
  /** The team that the job counts under. */
  readonly teamId: number | null;
  readonly username: string;
  readonly provider: string;
  readonly configName: string;
  readonly hardware: string;
  readonly estimatedCostUsd: number;
  readonly ruleId: number;
  readonly ruleName: string;
  readonly reason: string;
  /** One after the other; at least one. */
  readonly stages: readonly ApprovalStage[];
  /** How many have to say no until it is one. */
  readonly rejections: number;
  /** The stage that it is in, from 0. */
  readonly stage: number;
  /** From 1; each begins without votes. */
  readonly round: number;
  /** Who is to act: after somebody asked for changes it is the requester. */
  readonly awaits: 'approvers' | 'requester';
  readonly status: RequestStatus;
  readonly createdAt: Date;
  /** When those of this stage and round were asked. */
  readonly askedAt: Date;
  /** How often more people were asked since. */
  readonly escalations: number;
  readonly expiresAt: Date;
  readonly reviewedBy: string | null;
  readonly reviewedById: number | null;
  readonly reviewedAt: Date | null;
  readonly reviewNotes: string | null;
  readonly decidedVia: Via | null;
  /** Where the requester passed the approval: whether somebody looked at it since, and what they say. */
  readonly bypassReview: BypassReview | null;
  /** The trace of the job, to be gone on with by whatever happens to the request later. */
  readonly traceparent: string | null;
}

/** The levels that whoever decides now has to reach, all of them. */
export const levelsOf = ({ stages, stage }: Pick<ApprovalRequest, 'stages' | 'stage'>): readonly Level[] =>
  stages[stage]!.levels;

/** Past its time a request is expired, whether or not the sweep has written that down yet. */
export const statusAt = (request: Pick<ApprovalRequest, 'status' | 'expiresAt'>, now: Date): RequestStatus =>
  request.status === 'pending' && request.expiresAt <= now ? 'expired' : request.status;
