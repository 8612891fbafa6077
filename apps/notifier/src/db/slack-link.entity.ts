import { Column, Entity, ForeignKey, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { ChannelRow } from './channel.entity.js';

/** Whom of ours somebody in Slack is. By channel: what proves that Slack says so is the channel's. */
@Entity('slack_link')
@Index('slack_link_once', ['channel_id', 'team_id', 'slack_user_id'], { unique: true })
@Index('slack_link_user', ['user_id'])
export class SlackLinkRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'slack_link_pk',
  })
  id: number;

  @Column('integer')
  @ForeignKey(() => ChannelRow, { name: 'slack_link_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  @Column('text')
  team_id: string;

  @Column('text')
  slack_user_id: string;

  /** As Slack called them then. */
  @Column('text')
  slack_name: string;

  @Column('integer')
  user_id: number;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}

/** A code by which somebody in Slack says whom of ours they are: one for each, once, for ten minutes. */
@Entity('slack_link_code')
@Index('slack_link_code_sha256', ['code_sha256'], { unique: true })
export class SlackLinkCodeRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'slack_link_code_pk' })
  @ForeignKey(() => ChannelRow, { name: 'slack_link_code_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'slack_link_code_pk' })
  team_id: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'slack_link_code_pk' })
  slack_user_id: string;

  @Column('text')
  slack_name: string;

  @Column('text')
  code_sha256: string;

  @Column('timestamptz')
  expires_at: Date;
}

/** What Slack sent already: the same again is somebody else. */
@Entity('slack_seen')
export class SlackSeenRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'slack_seen_pk' })
  signature: string;

  @Column('timestamptz', { default: () => 'now()' })
  at: Date;
}
