import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Skip } from '../domain/skips.js';

/** Who was not told of an event, and why: one row for all of them. Who was told has a delivery. */
@Entity('event_skips')
@Index('event_skips_heard', ['heard_at'])
export class EventSkipsRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'event_skips_pk' })
  event_id: string;

  @Column('text')
  event_type: string;

  @Column('jsonb')
  skips: Skip[];

  @Column('timestamptz', { default: () => 'now()' })
  heard_at: Date;
}
