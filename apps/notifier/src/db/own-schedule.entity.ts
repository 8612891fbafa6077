import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { QuietHours } from '../domain/quiet-hours.js';

/** When a person wants to hear of things. */
@Entity('own_schedule')
export class OwnScheduleRow {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'own_schedule_pk' })
  user_id: number;

  /** Of the IANA database, as `Europe/Berlin`. */
  @Column('text')
  time_zone: string;

  @Column('jsonb', { nullable: true })
  quiet_hours: QuietHours | null;

  @Column('timestamptz', { default: () => 'now()' })
  updated_at: Date;
}
