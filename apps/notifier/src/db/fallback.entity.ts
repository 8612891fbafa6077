import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ChannelRow } from './channel.entity.js';

/** What stands in for a channel that is off, or has failed for good. */
@Entity('channel_fallback')
@Index('channel_fallback_for', ['fallback_id'])
export class FallbackRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'channel_fallback_pk' })
  @ForeignKey(() => ChannelRow, { name: 'channel_fallback_channel_fk', onDelete: 'CASCADE' })
  channel_id: number;

  @Column('integer')
  @ForeignKey(() => ChannelRow, { name: 'channel_fallback_fallback_fk', onDelete: 'CASCADE' })
  fallback_id: number;
}
