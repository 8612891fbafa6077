import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A run that waits for a worker, or is with one. Values of secrets are nowhere in it. */
@Entity('worker_tasks')
@Index('worker_tasks_waiting', ['provider', 'created_at'], { where: "state = 'waiting'" })
@Index('worker_tasks_held', ['worker_id'], { where: "state in ('taken', 'running')" })
export class WorkerTaskRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'worker_tasks_pk' })
  run_key: string;

  @Column('text')
  provider: string;

  @Column('text')
  job_id: string;

  @Column('integer')
  attempt: number;

  @Column('json')
  config: object;

  @Column('text')
  hardware: string;

  @Column('json')
  labels: object;

  @Column('integer', { nullable: true })
  max_runtime_seconds: number | null;

  @Column('text', { nullable: true })
  output_path: string | null;

  @Column('text', { nullable: true })
  checkpoint_path: string | null;

  @Column('text')
  state: string;

  @Column('uuid', { nullable: true })
  worker_id: string | null;

  @Column('uuid', { nullable: true })
  lease_id: string | null;

  @Column('integer', { default: 0 })
  tries: number;

  @Column('timestamptz', { nullable: true })
  stop_asked_at: Date | null;

  @Column('integer', { nullable: true })
  exit_code: number | null;

  @Column('text', { nullable: true })
  message: string | null;

  /** Names of the secrets that were taken out of its output. */
  @Column('text', { array: true, default: '{}' })
  hidden: string[];

  /** How much of its output has come, in characters as they were sent. */
  @Column('bigint', { default: 0 })
  log_taken: number;

  /** How much of it that is without secrets. */
  @Column('bigint', { default: 0 })
  log_end: number;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;
}
