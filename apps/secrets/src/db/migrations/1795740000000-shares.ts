import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Secrets that others may use, and the names that they give them. */
export class Shares1795740000000 implements MigrationInterface {
  name = 'Shares1795740000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table "secret_shares" (
      "id" integer generated always as identity not null,
      "secret_id" uuid not null,
      "receiver" text not null,
      "access" text not null,
      "expires_at" timestamptz,
      "created_at" timestamptz not null,
      "created_by" integer not null,
      constraint "secret_shares_pk" primary key ("id"),
      constraint "secret_shares_secret_fk" foreign key ("secret_id") references "secrets" ("id") on delete cascade)`);
    await runner.query(
      `create unique index "secret_shares_secret" on "secret_shares" ("secret_id", "receiver")`,
    );
    await runner.query(`create index "secret_shares_receiver" on "secret_shares" ("receiver", "id")`);
    await runner.query(`create table "secret_aliases" (
      "scope" text not null,
      "name" text not null,
      "share_id" integer not null,
      "created_at" timestamptz not null,
      "created_by" integer not null,
      constraint "secret_aliases_pk" primary key ("scope", "name"),
      constraint "secret_aliases_share_fk" foreign key ("share_id") references "secret_shares" ("id") on delete cascade)`);
    await runner.query(`create index "secret_aliases_share" on "secret_aliases" ("share_id")`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table "secret_aliases"`);
    await runner.query(`drop table "secret_shares"`);
  }
}
