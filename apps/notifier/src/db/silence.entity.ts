import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { Matchers } from '../domain/silences.js';

/** For a while nobody is told of what it matches. */
@Entity('silence')
@Index('silence_end', ['ends_at'])
export class SilenceRow {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'silence_pk',
  })
  id: number;

  @Column('jsonb')
  matchers: Matchers;

  @Column('text')
  reason: string;

  @Column('timestamptz')
  starts_at: Date;

  /** Earlier than it was to be when somebody ended it. */
  @Column('timestamptz')
  ends_at: Date;

  @Column('integer')
  created_by_id: number;

  @Column('text')
  created_by: string;

  @Column('text', { nullable: true })
  ended_by: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;
}
