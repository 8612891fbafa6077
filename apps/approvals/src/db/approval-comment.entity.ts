import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { CommentKind } from '../domain/comment.js';
import { ApprovalRequestRow } from './approval-request.entity.js';

/** What people write to each other about a request. */
@Entity('approval_comment')
@Index('approval_comment_request', ['request_id', 'id'])
export class ApprovalCommentRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'approval_comment_pk' })
  id: string;

  @Column('uuid')
  request_id: string;

  @Column('int')
  round: number;

  @Column('text')
  kind: CommentKind;

  @Column('int')
  user_id: number;

  @Column('text')
  username: string;

  @Column('text')
  text: string;

  @Column('timestamptz')
  written_at: Date;

  @ManyToOne(() => ApprovalRequestRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'request_id', foreignKeyConstraintName: 'approval_comment_request_fk' })
  request: ApprovalRequestRow;
}
