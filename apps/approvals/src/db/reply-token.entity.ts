import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ApprovalRequestRow } from './approval-request.entity.js';

/** What lets one person answer one mail about a request; of the token itself only the hash is known. */
@Entity('reply_token')
@Index('reply_token_request', ['request_id'])
@Index('reply_token_expires', ['expires_at'])
export class ReplyTokenRow {
  /** SHA-256, hex. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'reply_token_pk' })
  token_sha256: string;

  @Column('uuid')
  request_id: string;

  @Column('int')
  user_id: number;

  /** Of the request: in a later one it is worth nothing. */
  @Column('int', { default: 1 })
  round: number;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  expires_at: Date;

  @Column('timestamptz', { nullable: true })
  spent_at: Date | null;

  @ManyToOne(() => ApprovalRequestRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'request_id', foreignKeyConstraintName: 'reply_token_request_fk' })
  request: ApprovalRequestRow;
}
