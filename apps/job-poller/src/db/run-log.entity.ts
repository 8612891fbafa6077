import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { RunRow } from './run.entity.js';

/** A piece of a run's output, already free of secrets. */
@Entity('run_logs')
export class RunLogRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'run_logs_pk' })
  run_id: string;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'run_logs_pk' })
  seq: number;

  @Column('text')
  text: string;

  @ManyToOne(() => RunRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'run_id', foreignKeyConstraintName: 'run_logs_run_fk' })
  run: Relation<RunRow>;
}
