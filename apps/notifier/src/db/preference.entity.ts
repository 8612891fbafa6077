import { Column, Entity, ForeignKey, Index, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import type { Severity } from '../domain/severity.js';
import { ChannelRow } from './channel.entity.js';

/** Which events go through a channel, and to whom. */
@Entity('preference')
@Index('preference_channel', ['channel_id'])
export class PreferenceRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'preference_pk',
  })
  id: number;

  /** An event's name, `*`, or a category as `job.*`. */
  @Column('text')
  event_type: string;

  @Column('integer')
  @ForeignKey(() => ChannelRow, { name: 'preference_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  @Column('boolean')
  is_enabled: boolean;

  /** Mail addresses, for channels that need some. */
  @Column('text', { array: true })
  recipients: string[];

  @Column('text')
  min_severity: Severity;

  /** Only events of this team's jobs; null for all events. */
  @Column('integer', { nullable: true })
  team_id: number | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated_at: Date;
}

/** One row: its number rises with every change of channels or preferences, in the same transaction. */
@Entity('routes_version')
export class RoutesVersionRow {
  @PrimaryColumn('boolean', { primaryKeyConstraintName: 'routes_version_pk' })
  only: boolean;

  @Column('bigint')
  version: number;
}
