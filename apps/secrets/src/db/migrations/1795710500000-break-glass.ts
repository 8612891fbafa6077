import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Values that were taken in an emergency, and by when they have to be other ones. */
export class BreakGlass1795710500000 implements MigrationInterface {
  name = 'BreakGlass1795710500000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table "secrets" add "must_rotate_by" timestamptz, add "rotate_warn_at" timestamptz`,
    );
    await runner.query(`create table "glass_breaks" (
      "id" bigint generated always as identity not null,
      "scope" text not null,
      "name" text not null,
      "version" integer not null,
      "fingerprint" bytea not null,
      "reason" text not null,
      "by_user" integer not null,
      "by_name" text not null,
      "at" timestamptz not null,
      "must_rotate_by" timestamptz not null,
      "reviewed_at" timestamptz,
      "reviewed_by" integer,
      "reviewer" text,
      "review_note" text,
      constraint "glass_breaks_pk" primary key ("id")
    )`);
    await runner.query(`create index "glass_breaks_secret" on "glass_breaks" ("scope", "name")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "glass_breaks"`);
    await runner.query(`alter table "secrets" drop "must_rotate_by", drop "rotate_warn_at"`);
  }
}
