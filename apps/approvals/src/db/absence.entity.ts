import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { AbsenceSource } from '../domain/absence.js';

/** When somebody is not asked to decide, and who stands in for them. */
@Entity('absence')
@Index('absence_user', ['user_id', 'ends_at'])
@Index('absence_stand_in', ['stand_in_id', 'ends_at'], { where: 'stand_in_id is not null' })
@Index('absence_told', ['user_id', 'source'], { unique: true, where: `"source" <> 'own'` })
export class AbsenceRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'int',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'absence_pk',
  })
  id: number;

  @Column('int')
  user_id: number;

  @Column('text')
  username: string;

  /** The absent one's organisation when it was told; null: of none. */
  @Column('int', { nullable: true })
  org_id: number | null;

  @Column('int', { nullable: true })
  stand_in_id: number | null;

  @Column('text', { nullable: true })
  stand_in: string | null;

  @Column('timestamptz')
  starts_at: Date;

  @Column('timestamptz')
  ends_at: Date;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('text')
  source: AbsenceSource;
}
