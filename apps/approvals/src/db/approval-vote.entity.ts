import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { Via } from '../domain/approval-request.js';
import { ApprovalRequestRow } from './approval-request.entity.js';

/** One person's word on a request; one in each round. */
@Entity('approval_vote')
export class ApprovalVoteRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'approval_vote_pk' })
  request_id: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'approval_vote_pk' })
  round: number;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'approval_vote_pk' })
  user_id: number;

  @Column('text')
  username: string;

  /** Who was away. */
  @Column('int', { nullable: true })
  in_place_of_id: number | null;

  @Column('text', { nullable: true })
  in_place_of: string | null;

  @Column('int')
  stage: number;

  @Column('boolean')
  approves: boolean;

  @Column('text', { nullable: true })
  notes: string | null;

  @Column('text')
  via: Via;

  @Column('timestamptz')
  voted_at: Date;

  @ManyToOne(() => ApprovalRequestRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'request_id', foreignKeyConstraintName: 'approval_vote_request_fk' })
  request: ApprovalRequestRow;
}
