import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What was done or refused, by anyone in any service. Rows are added at the end and go at the beginning, and none changes. */
@Entity('audit_log')
@Index('audit_log_at', ['at'])
@Index('audit_log_action', { synchronize: false })
@Index('audit_log_user_id', ['user_id', 'seq'])
@Index('audit_log_target', { synchronize: false })
export class AuditLogRow {
  /** Without gaps, from 1. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'audit_log_pk' })
  seq: number;

  @Column('uuid')
  event_id: string;

  @Column('timestamptz')
  at: Date;

  @Column('text')
  service: string;

  @Column('text')
  action: string;

  @Column('text')
  outcome: string;

  @Column('text')
  by: string;

  @Column('integer', { nullable: true })
  user_id: number | null;

  /** As they were called then. */
  @Column('text', { nullable: true })
  username: string | null;

  @Column('text', { nullable: true })
  via: string | null;

  @Column('integer', { nullable: true })
  credential_id: number | null;

  @Column('text', { nullable: true })
  address: string | null;

  @Column('text', { nullable: true })
  request_id: string | null;

  @Column('text', { nullable: true })
  target: string | null;

  /** JSON. As text, so that it stays as it was proved. */
  @Column('text')
  details: string;

  @Column('integer')
  count: number;

  @Column('text')
  previous_mac: string;

  /** HMAC-SHA256 over all of the above. */
  @Column('text')
  mac: string;
}

/** Where the chain ends; one row, which whoever adds to the log holds. */
@Entity('audit_head')
@Check('audit_head_one_row', 'id = 1')
export class AuditHeadRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'audit_head_pk' })
  id: number;

  @Column('bigint')
  seq: number;

  @Column('text')
  mac: string;

  @Column('text')
  at: string;

  @Column('text')
  signature: string;
}

/** The last of the entries that were too old to keep; one row. What is kept follows it. */
@Entity('audit_anchor')
@Check('audit_anchor_one_row', 'id = 1')
export class AuditAnchorRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'audit_anchor_pk' })
  id: number;

  @Column('bigint')
  seq: number;

  @Column('text')
  mac: string;

  @Column('text')
  at: string;

  @Column('text')
  signature: string;
}
