import type { Level, Permission } from '@lineclear/contracts';
import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** How high those who hold the level stand, and what they may do. */
@Entity('levels')
@Unique('levels_priority_unique', ['priority'])
export class LevelRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'levels_pk' })
  name: Level;

  @Column('text')
  description: string;

  @Column('integer')
  priority: number;

  /** Every house has it, and nobody changes it. */
  @Column('boolean')
  is_system: boolean;

  @Column('text', { array: true })
  permissions: Permission[];

  @Column('timestamptz')
  created_at: Date;
}
