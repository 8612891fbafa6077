import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How long runs took, by kind of machine; and what was said of when jobs start. */
export class Etas1795711000030 implements MigrationInterface {
  name = 'Etas1795711000030';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `create index "jobs_measured" on "jobs" ("provider", "hardware", "ended_at" desc)
       where "state" in ('completed', 'failed') and "started_at" is not null`,
    );
    await runner.query(`create table "eta_samples" (
      "job_id" text not null,
      "given_at" timestamptz not null,
      "p50" timestamptz not null,
      "p90" timestamptz not null,
      constraint "eta_samples_pk" primary key ("job_id"))`);
    await runner.query(`create index "eta_samples_given_at" on "eta_samples" ("given_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "eta_samples"`);
    await runner.query(`drop index "jobs_measured"`);
  }
}
