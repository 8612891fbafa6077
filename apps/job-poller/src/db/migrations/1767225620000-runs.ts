import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Runs1767225620000 implements MigrationInterface {
  name = 'Runs1767225620000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "runs" (
      "id" uuid not null,
      "job_id" text not null,
      "attempt" integer not null,
      "claim_id" uuid not null,
      "user_id" integer not null,
      "provider" text not null,
      "config" json not null,
      "hardware" text not null,
      "secrets" text[] not null,
      "max_runtime_seconds" integer,
      "output_path" text,
      "run_key" text not null,
      "traceparent" text,
      "created_at" timestamptz not null default now(),
      "state" text not null default 'intended',
      "external_id" text,
      "remote_state" text,
      "outcome" text,
      "exit_code" integer,
      "message" text,
      "cost_usd" numeric,
      "progress" json,
      "published" json,
      "failures" integer not null default 0,
      "missing_count" integer not null default 0,
      "missing_since" timestamptz,
      "submit_started_at" timestamptz,
      "started_at" timestamptz,
      "running_since" timestamptz,
      "last_observed_at" timestamptz,
      "ended_at" timestamptz,
      "stop_reason" text,
      "stop_requested_at" timestamptz,
      "cancel_sent_at" timestamptz,
      "log_cursor" text,
      "log_seq" integer not null default 0,
      "log_bytes" integer not null default 0,
      "log_truncated" boolean not null default false,
      "log_checked_at" timestamptz,
      "next_action_at" timestamptz default now(),
      "lease_owner" uuid,
      "lease_until" timestamptz,
      "lease_token" integer not null default 0,
      "version" integer not null default 0,
      constraint "runs_pk" primary key ("id"),
      constraint "runs_job_attempt" unique ("job_id", "attempt"),
      constraint "runs_run_key" unique ("run_key"))`);
    await runner.query(
      `create index "runs_due" on "runs" ("next_action_at") where next_action_at is not null`,
    );
    // A run's row is rewritten at each step, so that its dead versions would pile up before the default share of the table is reached.
    await runner.query(
      `alter table "runs" set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)`,
    );
    await runner.query(`create table "run_logs" (
      "run_id" uuid not null,
      "seq" integer not null,
      "text" text not null,
      constraint "run_logs_pk" primary key ("run_id", "seq"),
      constraint "run_logs_run_fk" foreign key ("run_id") references "runs" ("id") on delete cascade)`);
    await runner.query(`create table "provider_notices" (
      "provider" text not null,
      "told_at" timestamptz not null,
      constraint "provider_notices_pk" primary key ("provider"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['provider_notices', 'run_logs', 'runs']) await runner.query(`drop table "${table}"`);
  }
}
