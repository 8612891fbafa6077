import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Workers1795800100400 implements MigrationInterface {
  name = 'Workers1795800100400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "workers" (
      "id" uuid not null,
      "name" text not null,
      "provider" text not null,
      "token_sha256" text not null,
      "hardware" text[] not null,
      "labels" json not null,
      "own_labels" json not null,
      "slots" integer not null default 1,
      "version" text,
      "draining" boolean not null default false,
      "created_at" timestamptz not null default now(),
      "seen_at" timestamptz,
      "has_left" boolean not null default false,
      "removed_at" timestamptz,
      constraint "workers_pk" primary key ("id"),
      constraint "workers_token" unique ("token_sha256"))`);
    await runner.query(`create unique index "workers_name" on "workers" ("name") where removed_at is null`);
    await runner.query(`create table "worker_tasks" (
      "run_key" text not null,
      "provider" text not null,
      "job_id" text not null,
      "attempt" integer not null,
      "config" json not null,
      "hardware" text not null,
      "labels" json not null,
      "max_runtime_seconds" integer,
      "output_path" text,
      "checkpoint_path" text,
      "state" text not null,
      "worker_id" uuid,
      "lease_id" uuid,
      "tries" integer not null default 0,
      "stop_asked_at" timestamptz,
      "exit_code" integer,
      "message" text,
      "hidden" text[] not null default '{}',
      "log_taken" bigint not null default 0,
      "log_end" bigint not null default 0,
      "created_at" timestamptz not null default now(),
      "ended_at" timestamptz,
      constraint "worker_tasks_pk" primary key ("run_key"))`);
    await runner.query(
      `create index "worker_tasks_waiting" on "worker_tasks" ("provider", "created_at") where state = 'waiting'`,
    );
    await runner.query(
      `create index "worker_tasks_held" on "worker_tasks" ("worker_id") where state in ('taken', 'running')`,
    );
    await runner.query(`create table "worker_logs" (
      "run_key" text not null,
      "begins_at" bigint not null,
      "ends_at" bigint not null,
      "text" text not null,
      constraint "worker_logs_pk" primary key ("run_key", "begins_at"),
      constraint "worker_logs_task_fk" foreign key ("run_key") references "worker_tasks" ("run_key") on delete cascade)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "worker_logs"');
    await runner.query('drop table "worker_tasks"');
    await runner.query('drop table "workers"');
  }
}
