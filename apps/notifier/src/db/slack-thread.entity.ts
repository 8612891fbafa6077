import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ChannelRow } from './channel.entity.js';

/** Where in Slack a job is told of. */
@Entity('slack_thread')
@Index('slack_thread_at', ['created_at'])
export class SlackThreadRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'slack_thread_pk' })
  @ForeignKey(() => ChannelRow, { name: 'slack_thread_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  /** Another one has other threads. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'slack_thread_pk' })
  slack_channel: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'slack_thread_pk' })
  job_id: string;

  /** Of its first message; null until Slack has that. */
  @Column('text', { nullable: true })
  ts: string | null;

  /** The attempt that opens it, for so long. */
  @Column('uuid')
  opener: string;

  @Column('timestamptz')
  opening_until: Date;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
