import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { ChannelType } from '../domain/channel.js';
import type { OwnWait } from '../domain/own-waits.js';
import type { Severity } from '../domain/severity.js';

/** `bounced`: a mail that was sent and came back. */
export const DELIVERY_STATES = ['pending', 'retrying', 'sent', 'bounced', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/**
 * One message through one channel to one recipient. Its id is the webhook's and the mail's id, the same over all
 * attempts. It outlives its channel: the log says what was sent through channels that are gone.
 */
@Entity('delivery')
@Index('delivery_once', ['event_id', 'channel_id', 'recipient'], { unique: true })
@Index('delivery_due', ['channel_id', 'next_attempt_at'], { where: 'next_attempt_at is not null' })
@Index('delivery_channel', ['channel_id', 'id'])
@Index('delivery_job', ['job_id', 'id'], { where: 'job_id is not null' })
@Index('delivery_state', ['state', 'id'])
@Index('delivery_person', ['user_id', 'event_id'], { where: 'user_id is not null' })
@Index('delivery_answers', { synchronize: false })
@Index('delivery_failed', ['channel_id', 'created_at'], { where: "state = 'failed'" })
export class DeliveryRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'delivery_pk' })
  id: string;

  @Column('uuid')
  event_id: string;

  @Column('text')
  event_type: string;

  @Column('text')
  severity: Severity;

  @Column('integer')
  channel_id: number;

  @Column('text')
  channel_type: ChannelType;

  /** A mail address; empty where the channel itself is the receiver. */
  @Column('text')
  recipient: string;

  /** Whom it is for, where it is for one person alone. */
  @Column('integer', { nullable: true })
  user_id: number | null;

  @Column('text', { nullable: true })
  job_id: string | null;

  /** The message as JSON text: signed byte for byte, so never parsed by the database. */
  @Column('text')
  body: string;

  @Column('text', { nullable: true })
  traceparent: string | null;

  @Column('text')
  state: DeliveryState;

  /** Attempts that have ended, and those that their holders died over. */
  @Column('integer', { default: 0 })
  attempts: number;

  /** Those of them that were made before it was last sent once more. */
  @Column('integer', { default: 0 })
  earlier_attempts: number;

  /** Null once it is sent or failed. */
  @Column('timestamptz', { nullable: true })
  next_attempt_at: Date | null;

  @Column('text', { nullable: true })
  last_error: string | null;

  /** The channel that it was meant for, where another stands in for that one. */
  @Column('integer', { nullable: true })
  instead_of: number | null;

  /** What its person lets it wait for; null once an attempt has ended. */
  @Column('text', { nullable: true })
  waits_for: OwnWait | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  finished_at: Date | null;
}

/**
 * Who is sending a delivery right now, and until when nobody else does. In a table of its own, so that to claim a delivery does
 * not write the delivery and all its indexes anew.
 */
@Entity('claim')
@Index('claim_channel', ['channel_id'])
export class ClaimRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'claim_pk' })
  delivery_id: string;

  @Column('integer')
  channel_id: number;

  @Column('uuid')
  holder: string;

  @Column('timestamptz')
  held_until: Date;

  /** The number of the attempt. */
  @Column('integer')
  attempt: number;
}

/** How one attempt went. */
@Entity('delivery_attempt')
export class DeliveryAttemptRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'delivery_attempt_pk' })
  @ForeignKey(() => DeliveryRow, { name: 'delivery_attempt_delivery_fk', onDelete: 'CASCADE' })
  delivery_id: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'delivery_attempt_pk' })
  number: number;

  @Column('timestamptz', { default: () => 'now()' })
  ended_at: Date;

  @Column('integer')
  duration_ms: number;

  /** Of HTTP or SMTP. */
  @Column('integer', { nullable: true })
  status_code: number | null;

  @Column('text', { nullable: true })
  error: string | null;

  /** The first kilobyte of what the other side said. */
  @Column('text', { nullable: true })
  response: string | null;
}
