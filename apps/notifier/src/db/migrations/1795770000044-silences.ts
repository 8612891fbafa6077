import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What nobody is told of for a while. */
export class Silences1795770000044 implements MigrationInterface {
  name = 'Silences1795770000044';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "silence" (
      "id" integer generated always as identity not null,
      "matchers" jsonb not null,
      "reason" text not null,
      "starts_at" timestamptz not null,
      "ends_at" timestamptz not null,
      "created_by_id" integer not null,
      "created_by" text not null,
      "ended_by" text,
      "created_at" timestamptz not null default now(),
      constraint "silence_pk" primary key ("id"))`);
    await runner.query(`create index "silence_end" on "silence" ("ends_at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "silence"`);
  }
}
