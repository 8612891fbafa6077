import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links that give one value to whoever opens them first. */
export class Links1795681000000 implements MigrationInterface {
  name = 'Links1795681000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "secret_links" (
      "id" integer generated always as identity not null,
      "token_sha256" text not null,
      "secret_id" uuid not null,
      "version" integer not null,
      "created_by" integer not null,
      "created_at" timestamptz not null,
      "expires_at" timestamptz not null,
      "opened_at" timestamptz,
      constraint "secret_links_pk" primary key ("id"),
      constraint "secret_links_secret_fk" foreign key ("secret_id") references "secrets" ("id") on delete cascade)`);
    await runner.query(`create unique index "secret_links_token" on "secret_links" ("token_sha256")`);
    await runner.query(`create index "secret_links_secret" on "secret_links" ("secret_id")`);
    // Old lines are forgotten by their time.
    await runner.query(`create index "access_log_at" on "access_log" ("at")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index "access_log_at"`);
    await runner.query(`drop table "secret_links"`);
  }
}
