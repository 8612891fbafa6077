import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Times in which nothing runs, machines kept for big jobs, and runs that are stopped for others. */
export class MaintenanceAndPreemption1795711000013 implements MigrationInterface {
  name = 'MaintenanceAndPreemption1795711000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "maintenance" (
      "id" int4 generated always as identity,
      "kind" text not null,
      "name" text not null,
      "starts_at" timestamptz not null,
      "ends_at" timestamptz not null,
      "reason" text not null,
      "stops_runs" bool not null,
      constraint "maintenance_pk" primary key ("id"))`);
    await runner.query(
      `alter table "jobs" add column "preemptible" bool not null default false, add column "stopped_for" text`,
    );
    await runner.query(
      `create index "jobs_with_slot" on "jobs" ("id") where "state" in ('dispatching', 'running', 'cancelling')`,
    );
    await runner.query(
      `alter table "limits" add column "reserves" bool not null default false, add column "preempt_after_minutes" float8,
         add column "preempt_min_runtime_minutes" float8 not null default 30`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table "limits" drop column "reserves", drop column "preempt_after_minutes", drop column "preempt_min_runtime_minutes"`,
    );
    await runner.query('drop index "jobs_with_slot"');
    await runner.query(`alter table "jobs" drop column "preemptible", drop column "stopped_for"`);
    await runner.query('drop table "maintenance"');
  }
}
