import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Digest } from '../domain/digest.js';
import type { Severity } from '../domain/severity.js';
import type { Throttle } from '../domain/throttle.js';
import { ChannelRow } from './channel.entity.js';

/** What a person says of events about themselves. */
@Entity('own_preference')
@Index('own_preference_channel', ['channel_id'])
export class OwnPreferenceRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'own_preference_pk' })
  user_id: number;

  /** An event's name, `*`, or a category as `job.*`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'own_preference_pk' })
  event_type: string;

  @Column('boolean')
  is_enabled: boolean;

  @Column('text')
  min_severity: Severity;

  /** Null: the first email channel that is enabled. */
  @Column('integer', { nullable: true })
  @ForeignKey(() => ChannelRow, { name: 'own_preference_channel_fk', onDelete: 'SET NULL' })
  channel_id: number | null;

  @Column('text', { default: 'immediately' })
  digest: Digest;

  /** Of the day, in the person's time zone, for a daily one. */
  @Column('integer', { default: 8 })
  digest_hour: number;

  @Column('jsonb', { nullable: true })
  throttle: Throttle | null;

  @Column('timestamptz', { default: () => 'now()' })
  updated_at: Date;
}
