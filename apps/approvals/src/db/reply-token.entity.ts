import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { TokenKind } from '../domain/judge-asked.js';
import { ApprovalRequestRow } from './approval-request.entity.js';

/** What lets one person decide by one mail about a request; of the token itself only the hash is known. */
@Entity('reply_token')
@Index('reply_token_request', ['request_id'])
@Index('reply_token_expires', ['expires_at'])
export class ReplyTokenRow {
  /** SHA-256, hex. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'reply_token_pk' })
  token_sha256: string;

  /** Whether the mail is to be answered, or its link followed: the one is worth nothing as the other. */
  @Column('text', { default: 'reply' })
  kind: TokenKind;

  /** What the page that a link leads to was given last, to decide by. */
  @Column('text', { nullable: true })
  nonce_sha256: string | null;

  @Column('timestamptz', { nullable: true })
  nonce_until: Date | null;

  @Column('uuid')
  request_id: string;

  @Column('int')
  user_id: number;

  /** Of the request, from 0: in a later one it is worth nothing. */
  @Column('int', { default: 0 })
  stage: number;

  /** Of the request, from 1: in a later one it is worth nothing. */
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
