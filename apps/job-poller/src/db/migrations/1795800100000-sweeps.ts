import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Sweeps1795800100000 implements MigrationInterface {
  name = 'Sweeps1795800100000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table "runs"
      add column "account" text,
      add column "looked_at" timestamptz,
      add column "listed_at" timestamptz`);
    await runner.query(
      `create index "runs_of_account" on "runs" ("account") where next_action_at is not null`,
    );
    await runner.query(`create table "sweeps" (
      "account" text not null,
      "provider" text not null,
      "next_at" timestamptz not null,
      "failures" integer not null default 0,
      "lease_owner" uuid,
      "lease_until" timestamptz,
      constraint "sweeps_pk" primary key ("account"))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table "sweeps"');
    await runner.query('drop index "runs_of_account"');
    await runner.query(
      'alter table "runs" drop column "account", drop column "looked_at", drop column "listed_at"',
    );
  }
}
