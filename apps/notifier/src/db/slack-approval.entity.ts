import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Outcome } from '../domain/slack-approval.js';
import { ChannelRow } from './channel.entity.js';

/** A message in Slack whose buttons decide a request. */
@Entity('slack_question')
@Index('slack_question_approval', ['approval_id', 'channel_id'])
@Index('slack_question_at', ['created_at'])
export class SlackQuestionRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'slack_question_pk' })
  delivery_id: string;

  @Column('integer')
  @ForeignKey(() => ChannelRow, { name: 'slack_question_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  @Column('uuid')
  approval_id: string;

  @Column('text')
  job_id: string;

  @Column('text')
  slack_channel: string;

  /** Null until Slack has it. */
  @Column('text', { nullable: true })
  ts: string | null;

  /** The Message that it shows, as JSON. */
  @Column('text')
  body: string;

  /** Whether it shows how the request ended, or never will. */
  @Column('boolean', { default: false })
  is_over: boolean;

  /** When that is tried next. */
  @Column('timestamptz', { default: () => 'now()' })
  next_try_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** How a request ended: its message may be on its way to Slack still. */
@Entity('slack_outcome')
@Index('slack_outcome_at', ['created_at'])
export class SlackOutcomeRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'slack_outcome_pk' })
  approval_id: string;

  @Column('jsonb')
  outcome: Outcome;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
