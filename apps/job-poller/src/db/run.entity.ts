import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/** One attempt of a job on a provider: the intent, what the provider calls it, and when it is looked at next. */
@Entity('runs')
@Unique('runs_job_attempt', ['job_id', 'attempt'])
@Unique('runs_run_key', ['run_key'])
@Index('runs_due', ['next_action_at'], { where: 'next_action_at is not null' })
@Index('runs_of_account', ['account'], { where: 'next_action_at is not null' })
@Index('runs_of_external_id', ['provider', 'external_id'])
@Index('runs_ended', ['ended_at'], { where: "state = 'ended'" })
export class RunRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'runs_pk' })
  id: string;

  @Column('text')
  job_id: string;

  @Column('integer')
  attempt: number;

  @Column('uuid')
  claim_id: string;

  @Column('integer')
  user_id: number;

  /** The organisation whose job it is; null for none. */
  @Column('integer', { nullable: true })
  org_id: number | null;

  /** The team that the job counts under; null for none. */
  @Column('integer', { nullable: true })
  team_id: number | null;

  @Column('text')
  provider: string;

  /** As JSON text: handed on as it came. */
  @Column('json')
  config: object;

  @Column('text')
  hardware: string;

  /** Names; values are nowhere in this database. */
  @Column('text', { array: true })
  secrets: string[];

  /** How it gets them where that is not in the variable of the name. */
  @Column('json', { nullable: true })
  secret_uses: object | null;

  @Column('integer', { nullable: true })
  max_runtime_seconds: number | null;

  @Column('text', { nullable: true })
  output_path: string | null;

  @Column('text', { nullable: true })
  checkpoint_path: string | null;

  @Column('text')
  run_key: string;

  @Column('text', { nullable: true })
  traceparent: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created_at: Date;

  @Column('text', { default: 'intended' })
  state: string;

  @Column('text', { nullable: true })
  external_id: string | null;

  /** Which of its provider's accounts it is on; null until that has accepted it. */
  @Column('text', { nullable: true })
  account: string | null;

  @Column('text', { nullable: true })
  remote_state: string | null;

  @Column('text', { nullable: true })
  outcome: string | null;

  /** Why it failed, where the provider said so. */
  @Column('text', { nullable: true })
  cause: string | null;

  @Column('integer', { nullable: true })
  exit_code: number | null;

  @Column('text', { nullable: true })
  message: string | null;

  @Column('numeric', { nullable: true })
  cost_usd: number | null;

  @Column('json', { nullable: true })
  progress: object | null;

  /** What `run.observed` last told. */
  @Column('json', { nullable: true })
  published: object | null;

  @Column('integer', { default: 0 })
  failures: number;

  @Column('integer', { default: 0 })
  missing_count: number;

  @Column('timestamptz', { nullable: true })
  missing_since: Date | null;

  @Column('timestamptz', { nullable: true })
  submit_started_at: Date | null;

  @Column('timestamptz', { nullable: true })
  started_at: Date | null;

  @Column('timestamptz', { nullable: true })
  running_since: Date | null;

  @Column('timestamptz', { nullable: true })
  last_observed_at: Date | null;

  /** When its provider was last asked about it alone. */
  @Column('timestamptz', { nullable: true })
  looked_at: Date | null;

  /** When its account's list last showed it as it is known; written by sweeps, not by steps. */
  @Column('timestamptz', { nullable: true })
  listed_at: Date | null;

  /** A webhook came while a step was under way: the next one is due soon. */
  @Column('boolean', { default: false })
  hinted: boolean;

  @Column('timestamptz', { nullable: true })
  ended_at: Date | null;

  @Column('text', { nullable: true })
  stop_reason: string | null;

  @Column('timestamptz', { nullable: true })
  stop_requested_at: Date | null;

  @Column('timestamptz', { nullable: true })
  cancel_sent_at: Date | null;

  @Column('text', { nullable: true })
  log_cursor: string | null;

  @Column('integer', { default: 0 })
  log_seq: number;

  @Column('integer', { default: 0 })
  log_bytes: number;

  @Column('boolean', { default: false })
  log_truncated: boolean;

  @Column('timestamptz', { nullable: true })
  log_checked_at: Date | null;

  /** Names of secrets that its output gave away, with where and how: each was told once. */
  @Column('json', { nullable: true })
  leaked: object | null;

  /** When a step is due; while one runs, when its lease ends. Null once the run has ended. */
  @Column('timestamptz', { nullable: true, default: () => 'now()' })
  next_action_at: Date | null;

  @Column('uuid', { nullable: true })
  lease_owner: string | null;

  @Column('timestamptz', { nullable: true })
  lease_until: Date | null;

  @Column('integer', { default: 0 })
  lease_token: number;

  @Column('integer', { default: 0 })
  version: number;
}
