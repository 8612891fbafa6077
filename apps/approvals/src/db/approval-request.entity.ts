import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';
import type { ApprovalStage } from '@lineclear/contracts';
import type { BypassReview, RequestStatus, Via } from '../domain/approval-request.js';

/**
 * A request, with the rule as it was when the job asked: rules may change or go. A row `never_opened` is a mark that the
 * job was cancelled before its request came; nobody but the repo sees it.
 */
@Entity('approval_request')
@Unique('approval_request_job', ['job_id'])
@Unique('approval_request_seq', ['seq'])
@Index('approval_request_pending', ['expires_at'], { where: `"status" = 'pending'` })
@Index('approval_request_marks', ['created_at'], { where: `"status" = 'never_opened'` })
@Index('approval_request_reviews', ['user_id'], { where: `"bypass_review" = 'due'` })
@Index('approval_request_user', ['user_id', 'seq'])
@Index('approval_request_org', ['org_id', 'seq'])
export class ApprovalRequestRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'approval_request_pk' })
  id: string;

  /** The order in which requests are listed. */
  @Column({ type: 'bigint', generated: 'identity', generatedIdentity: 'ALWAYS' })
  seq: number;

  @Column('text')
  job_id: string;

  @Column('int')
  user_id: number;

  /** The requester's organisation; null for none. */
  @Column('int', { nullable: true })
  org_id: number | null;

  /** The team that the job counts under; null for none. */
  @Column('int', { nullable: true })
  team_id: number | null;

  @Column('text')
  username: string;

  @Column('text')
  provider: string;

  @Column('text')
  config_name: string;

  @Column('text')
  hardware: string;

  @Column('numeric', { precision: 14, scale: 4 })
  estimated_cost_usd: number;

  @Column('int')
  rule_id: number;

  @Column('text')
  rule_name: string;

  @Column('text')
  reason: string;

  @Column('jsonb')
  stages: ApprovalStage[];

  @Column('int', { default: 1 })
  rejections: number;

  /** Which of the stages it is in. */
  @Column('int', { default: 0 })
  stage: number;

  @Column('int', { default: 1 })
  round: number;

  @Column('text', { default: 'approvers' })
  awaits: 'approvers' | 'requester';

  @Column('text')
  status: RequestStatus | 'never_opened';

  @Column('timestamptz')
  created_at: Date;

  /** When whoever may decide now was asked. */
  @Column('timestamptz')
  asked_at: Date;

  @Column('timestamptz')
  expires_at: Date;

  /** The last reminder that was sent to whoever may decide now. */
  @Column('int', { default: 0 })
  reminders: number;

  /** How often more people were asked because time went by. */
  @Column('int', { default: 0 })
  escalations: number;

  @Column('text', { nullable: true })
  reviewed_by: string | null;

  @Column('int', { nullable: true })
  reviewed_by_id: number | null;

  @Column('timestamptz', { nullable: true })
  reviewed_at: Date | null;

  @Column('text', { nullable: true })
  review_notes: string | null;

  @Column('text', { nullable: true })
  decided_via: Via | null;

  @Column('text', { nullable: true })
  bypass_review: BypassReview | null;

  /** How often whoever may look at it was told. */
  @Column('int', { default: 0 })
  bypass_told: number;

  @Column('text', { nullable: true })
  traceparent: string | null;
}
