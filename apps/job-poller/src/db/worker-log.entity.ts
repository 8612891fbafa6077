import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { WorkerTaskRow } from './worker-task.entity.js';

/** Output that a worker sent, free of secrets, until it is in the run's log. */
@Entity('worker_logs')
export class WorkerLogRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'worker_logs_pk' })
  run_key: string;

  /** Where it begins and ends in all of the output. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'worker_logs_pk' })
  begins_at: number;

  @Column('bigint')
  ends_at: number;

  @Column('text')
  text: string;

  @ManyToOne(() => WorkerTaskRow, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'run_key', foreignKeyConstraintName: 'worker_logs_task_fk' })
  task: Relation<WorkerTaskRow>;
}
